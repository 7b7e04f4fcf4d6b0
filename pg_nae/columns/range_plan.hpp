// Comparisons that a search index by buckets serves: <, <=, =, >=, > and BETWEEN of a date or a
// number. Those of one column that stand beside each other are one range.
#pragma once

#include "pg_nae/columns/rewrite.hpp"

namespace nae::columns {

// What follows, on the codes, of conditions that all hold, also within ANDs among them. Nodes.
List* range_conditions(Query* query, QueryLevel& level, List* conditions);

}  // namespace nae::columns
