// Where the checks of typing.hpp stand: a level of the query.
#pragma once

#include "pg_nae/columns/whole_row.hpp"

namespace nae::columns {

struct TypingLevel {
  Query* query;
  TypingLevel* outer;
  const char* text;
};

inline bool is_null_constant(const Node* node) {
  return IsA(node, Const) && reinterpret_cast<const Const*>(node)->constisnull;
}

[[noreturn]] void refuse_typing(const TypingLevel& level, const Node* node, const char* what);

// Arguments of a function; of operators that of its function.
void check_call(const TypingLevel& level, const Node* node, Oid function, const List* arguments);
// An operator's operands: of ciphertexts they must be comparable as they are stored.
void check_operator(const TypingLevel& level, const Node* node, Oid opno, const List* operands);
// Keys by which expressions are compared, sorted or grouped.
void check_aggregate_keys(const TypingLevel& level, const Aggref* aggregate);
void check_keys(const TypingLevel& level);
void check_set_operation(const TypingLevel& level);
// What a reference says of its relation's column.
void check_reference(const TypingLevel& level, const Var* var);
// What is written to the columns of tables.
void check_written(const TypingLevel& level);

}  // namespace nae::columns
