// Clauses of ORDER BY, GROUP BY, DISTINCT and windows: each names an output column by a reference,
// and the operators that compare it.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// Operators that sort and group a plaintext type, in the direction of `clause`.
void use_operators_of(SortGroupClause* clause, Oid plain_type);

// The clause that names the target, or nullptr.
SortGroupClause* clause_of(List* clauses, const TargetEntry* target);
// Adds a target that is not part of the output, with a reference of its own.
TargetEntry* add_hidden_target(Query* query, Node* expression);
Index next_reference(const Query* query);

}  // namespace nae::columns
