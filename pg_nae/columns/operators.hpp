// Operators: one that PostgreSQL finds by an encrypted type stands for that of the plaintext type.
#pragma once

#include "pg_nae/columns/meaning.hpp"

namespace nae::columns {

// Of encrypted operands, as converted() has it.
Node* converted_operator(OpExpr* node, const Place& place);
Node* converted_array_operator(ScalarArrayOpExpr* node, const Place& place);

}  // namespace nae::columns
