// Sorting: ORDER BY, GROUP BY, DISTINCT, windows and set operations over encrypted columns.
#pragma once

#include "pg_nae/columns/expressions.hpp"

namespace nae::columns {

// Of a query whose expressions are done and whose output keeps its types.
void arrange_by_plaintext(Query* query);
// DISTINCT and ORDER BY in the arguments of an aggregate.
Node* arranged_aggregate(Aggref* aggregate);

}  // namespace nae::columns
