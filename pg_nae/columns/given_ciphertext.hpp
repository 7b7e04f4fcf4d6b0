// GivenCiphertext: a ciphertext that a statement brings along instead of a plaintext. A role that
// may write rows but has no right to the key could damage them with it, for everybody.
#pragma once

#include "pg_nae/columns/value.hpp"

namespace nae::columns {

// Whether the current role may give ciphertexts of the key, as far as it is known without asking.
// Superusers and the workers of logical replication may, who restore what was dumped.
bool is_accepted(const ColumnKey& key);
// Asks the key server where it is not known: who may encrypt with the key may. Raises its denial.
void expect_acceptable(const Value& ciphertext, const ColumnKey& key);

// The role may rewrap values of this key and context, and so write what came of it.
void note_rewrapped(const ContextTag& tag);

}  // namespace nae::columns
