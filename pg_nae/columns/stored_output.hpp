// StoredOutput: whether the rows of a query hold, in clear, what was computed from encrypted
// columns. CREATE TABLE AS must not store that unless the column was cast: then somebody wants it
// stored.
#pragma once

#include "pg_nae/columns/expressions.hpp"

namespace nae::columns {

// Of a query whose views are expanded. `was_opened`: for a client, so that calls of
// nae_internal.plain() are nobody's words.
bool holds_plaintext(Query* query, bool was_opened);

}  // namespace nae::columns
