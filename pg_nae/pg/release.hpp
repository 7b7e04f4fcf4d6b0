// Release: whether the library and the extension of this database are of one.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// Of a function that answers rows: a database of a later release may have it with more columns than
// this library knows, which raises; an earlier one has fewer, all at the beginning.
void expect_known_columns(const TupleDescData* row, int known);

// ALTER EXTENSION pg_nae UPDATE TO an earlier release: raises.
void refuse_downgrade(const Node* statement);

}  // namespace nae::pg
