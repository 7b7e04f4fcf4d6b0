// The operands of conditions that search indexes serve, and the conditions on codes beside them.
#pragma once

#include "pg_nae/columns/rewrite.hpp"
#include "pg_nae/columns/searched_column.hpp"

namespace nae::columns {

Node* without_label(Node* node);

// The column of this query that an operand is the plaintext of; nullptr.
Var* searched_operand(Node* operand);

// codes OPERATOR (SELECT call): asked once, when the statement runs.
Node* codes_condition(Oid operation, const Var* column, const SearchedColumn& searched, Node* call,
                      QueryLevel& level);

}  // namespace nae::columns
