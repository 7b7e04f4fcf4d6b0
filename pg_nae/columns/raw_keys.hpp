// Keys of GROUP BY, DISTINCT, PARTITION BY and GROUPING() in a raw statement.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// The expressions themselves, out of grouping sets and the rows within them, in the order in which
// they are written. The null of a DISTINCT without ON is none.
List* expressions_of_keys(List* keys);

}  // namespace nae::columns
