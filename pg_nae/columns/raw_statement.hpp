// The raw parse tree of a statement, read anew from its source text: analysis has consumed the one
// that PostgreSQL made.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// The SELECT, INSERT, UPDATE, DELETE or MERGE that `query` is, or that stands in it: within
// EXPLAIN, PREPARE, a cursor, a view or a table made from a query. nullptr when there is none.
// Locations are those of the text, in bytes. In the current memory context.
RawStmt* raw_statement_of(const ParseState* state, const Query* query);

}  // namespace nae::columns
