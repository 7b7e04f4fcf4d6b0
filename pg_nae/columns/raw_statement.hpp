// The raw parse tree of a statement, read anew from its source text: analysis has consumed the one
// that PostgreSQL made.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// The SELECT, INSERT, UPDATE, DELETE or MERGE at `location` of the text (bytes, as Query has it),
// also within EXPLAIN, PREPARE, a cursor, a view or a table made from a query; nullptr when there
// is none. In the current memory context.
RawStmt* raw_statement_at(const ParseState* state, int location);

}  // namespace nae::columns
