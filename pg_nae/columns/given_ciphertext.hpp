// GivenCiphertext: a ciphertext that a statement brings along instead of a plaintext. A role that
// may write rows but has no right to the key could damage them with it, for everybody.
#pragma once

#include "pg_nae/columns/value.hpp"

namespace nae::columns {

// Whether the current role may give this ciphertext for a column of the key, as far as it is known
// without asking: it is of that key, and the role may encrypt with it. Superusers and the workers
// of logical replication may without that, who restore what was dumped.
bool is_accepted(const Value& ciphertext, const ColumnKey& key);
// Asks the key server where it is not known. Raises its denial, or Code::envelope_foreign for a
// ciphertext of another key. Who is trusted and has no right with the key is warned instead.
void expect_acceptable(const Value& ciphertext, const ColumnKey& key);

// The role may rewrap values of this key and context, and so write what came of it.
void note_rewrapped(const Value& rewrapped);

}  // namespace nae::columns
