// Display: what EXPLAIN, and so auto_explain and the log, show of a batch node. Constants and bound
// parameters are somebody's data: VALUE stands in their place.
#pragma once

#include "pg_nae/batch/tree.hpp"

namespace nae::batch {

// A call over the columns of `child`, as it is shown: nae_decrypt_text(note), nae.enc_text(VALUE).
Expr* shown_call(const FuncExpr* call, const Plan* child);

// A filter as it is shown: ((nae_internal.plain(note)) = VALUE). It can be prepared, and is never
// evaluated.
List* shown_filter(List* quals);

}  // namespace nae::batch
