// Whole rows: SELECT t FROM t, row_to_json(t), ROW(ssn, name): a row made of plaintexts in the
// place of one that holds ciphertexts.
#pragma once

#include "pg_nae/columns/rewrite.hpp"

namespace nae::columns {

// A composite type with a column of an encrypted type.
bool is_encrypted_row(Oid type);
// An encrypted type, a row with a column of one, or an array of either.
bool holds_encrypted(Oid type);

// An expression of such a type; of a whole row its columns say.
bool is_readable(Node* expression, const QueryLevel& level);
// The plaintext of such an expression; any other as it is.
Node* readable(Node* expression, const QueryLevel& level);
List* readable_list(List* expressions, const QueryLevel& level);

}  // namespace nae::columns
