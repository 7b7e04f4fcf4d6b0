// Operators: one that PostgreSQL finds by an encrypted type stands for that of the plaintext type.
#pragma once

#include "pg_nae/columns/rewrite.hpp"

namespace nae::columns {

// Of encrypted operands, as converted() has it.
Node* converted_operator(OpExpr* node, const QueryLevel& level);
Node* converted_array_operator(ScalarArrayOpExpr* node, const QueryLevel& level);

// The operator of plaintexts that one which PostgreSQL finds by an encrypted type stands for, as
// born < '2001-01-01'. InvalidOid for other operators, and for those of ciphertexts.
Oid plaintext_operator(Oid opno);
// One of schema nae: =~ and those that indexes need.
bool is_operator_of_ciphertexts(Oid opno);

}  // namespace nae::columns
