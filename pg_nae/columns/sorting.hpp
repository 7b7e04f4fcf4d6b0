// Sorting: ORDER BY, GROUP BY, DISTINCT, windows and set operations over encrypted columns.
#pragma once

#include "pg_nae/columns/expressions.hpp"

namespace nae::columns {

// Of a query whose expressions are done and whose output keeps its types.
void arrange_by_plaintext(Query* query);
// DISTINCT and ORDER BY in the arguments of an aggregate.
Node* arranged_aggregate(Aggref* aggregate);

// Operators that sort and group a plaintext type, in the direction of `clause`.
void use_operators_of(SortGroupClause* clause, Oid plain_type);

// The clause that names the target, or nullptr.
SortGroupClause* clause_of(List* clauses, const TargetEntry* target);
// Adds a target that is not part of the output, with a reference of its own.
TargetEntry* add_hidden_target(Query* query, Node* expression);
Index next_reference(const Query* query);

}  // namespace nae::columns
