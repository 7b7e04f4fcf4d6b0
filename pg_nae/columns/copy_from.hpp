// COPY FROM of a table with encrypted columns: lines are read, the fields of encrypted columns
// encrypted for many lines at once, and the lines handed on to PostgreSQL's own COPY as they would
// stand in a dump. Everything else about COPY is PostgreSQL's.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// False when the statement is none of these: PostgreSQL does it, value by value.
bool copy_from_in_batches(PlannedStmt* statement, const char* text, QueryCompletion* completion);

// Whether the statement is a COPY into a table with encrypted columns, of whatever format.
bool copies_into_encrypted(const Node* statement);

}  // namespace nae::columns
