// Typing: the last look at a query over encrypted columns before it is planned. Whatever the
// rewriting left, each place where an encrypted type occurs must be one that the table
// node_kinds/typing.def calls right; the rest is refused before anything runs or is written.
//
// A typmod says how a value is represented: an expression of an encrypted type with a typmod is a
// ciphertext under that key; one without may be a plaintext that waits for encryption, which no
// column, comparison or group may take.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// Raises Code::unsupported, at the place in `text` (the statement; may be nullptr) where it is
// known.
void check_typing(Query* query, const char* text);

// The same of a query whose rows become those of a table: its encrypted columns have a key each.
void check_table_columns(const Query* query);

}  // namespace nae::columns
