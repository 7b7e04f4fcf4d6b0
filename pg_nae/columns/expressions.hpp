// Expressions: the calls that the hooks put into queries, and what is read off those that are
// there.
#pragma once

#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/pg/nodes.hpp"

namespace nae::columns {

// Of the expression's type, or nullptr.
const ColumnType* type_of(const Node* expression);
// The column's type modifier; of a domain that of the type below it.
int32 typmod_below_domain(const Node* expression);

// The plaintext of an expression of an encrypted type: nae_internal.plain(…), or what was pending
// in it.
Node* decrypted(Node* expression);
// As the parser writes the cast to the plaintext type: implicit, or the one that somebody wrote.
Node* cast_to_plaintext(Node* expression, CoercionForm form);
// The same, where what the policy shows otherwise must not be kept: an error then. Its typmod is
// known.
Node* decrypted_whole(Node* expression);
// Of an array of an encrypted type.
Node* decrypted_array(Node* expression);
// The reverse: of the encrypted type, not encrypted yet. decrypted(as_pending(x)) is x.
Node* as_pending(Node* plain, const ColumnType& type);

// A plaintext in the place of an expression of an encrypted type that had this typmod: encrypted
// under its key, for whoever counts on the typmod takes the value for a ciphertext.
Node* stored_again(Node* plain, const ColumnType& type, int32 typmod);

// A call of nae_internal.plain(…), or of the length coercion that encrypts its first argument.
bool is_decryption(const Node* node);
bool is_encryption(const Node* node);

// The same for every row: asked once, as an InitPlan, and never while the planner estimates.
bool is_same_for_all_rows(Node* operand);
// And the same when it is computed twice in a statement: beside a condition that is kept.
bool is_same_each_time(Node* operand);
Node* once_a_statement(Node* expression);

// nae_internal.search_token(…) of an operand, asked once a statement where `may_sublink` and the
// operand is the same for every row.
Node* search_token(Node* operand, int32 typmod, bool may_sublink, bool& has_sublink);

}  // namespace nae::columns
