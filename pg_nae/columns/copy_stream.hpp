// CopyStream: between two of PostgreSQL's COPYs. One reads the client's lines, the other writes
// rows; between them the lines of one half are encrypted while those of the other are written.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// Answers the number of rows. `where`: as CopyFrom() takes it; the relation is locked and checked.
uint64 copy_into(Relation relation, ParseState* state, const CopyStmt* statement, Node* where);

}  // namespace nae::columns
