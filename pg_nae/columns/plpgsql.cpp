#include "pg_nae/columns/plpgsql.hpp"

#include "pg_nae/columns/column_type.hpp"

namespace nae::columns {
namespace {

const char* skip_blanks(const char* c) {
  while (*c == ' ' || *c == '\n' || *c == '\t' || *c == '\r' || *c == '\f') ++c;
  return c;
}

bool is_word(char c) {
  return c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

// Behind a name, quoted or not; where it began when there is none.
const char* skip_name(const char* c) {
  if (*c != '"') {
    while (is_word(*c)) ++c;
    return c;
  }
  for (++c; *c != '\0'; ++c)
    if (*c == '"' && *++c != '"') break;
  return c;
}

// "new.a :=", "a[1] =": the head of an assignment.
bool begins_with_assignment(const char* text) {
  const char* c = skip_blanks(text);
  for (;;) {
    const char* name = c;
    c = skip_blanks(skip_name(name));
    if (c == name) return false;
    if (*c != '.') break;
    c = skip_blanks(c + 1);
  }
  for (; *c == '['; c = skip_blanks(c + 1))
    if ((c = std::strchr(c, ']')) == nullptr) return false;
  return *c == '=' || (c[0] == ':' && c[1] == '=');
}

int skip_dropped(TupleDesc row, int column) {
  while (column < row->natts && TupleDescAttr(row, column)->attisdropped) ++column;
  return column;
}

}  // namespace

bool is_assignment(const ParseState* state, const Query* query) {
  // PL/pgSQL alone looks for its variables before the columns.
  if (state->p_pre_columnref_hook == nullptr || state->p_sourcetext == nullptr) return false;
  return query->commandType == CMD_SELECT && query->rtable == NIL &&
         list_length(query->targetList) == 1 && begins_with_assignment(state->p_sourcetext);
}

bool is_plpgsql_expression(const ParseState* state, const Query* query) {
  return state->p_pre_columnref_hook != nullptr && query->commandType == CMD_SELECT &&
         query->rtable == NIL;
}

bool is_for_rows_of_a_table(const ParseState* state, const Query* query) {
  if (state->p_pre_columnref_hook == nullptr || state->p_ref_hook_state == nullptr) return false;
  const PLpgSQL_function* function = static_cast<PLpgSQL_expr*>(state->p_ref_hook_state)->func;
  if (function == nullptr || !function->fn_retset || !type_is_rowtype(function->fn_rettype))
    return false;
  TupleDesc row = lookup_rowtype_tupdesc_noerror(function->fn_rettype, -1, true);
  if (row == nullptr) return false;
  int column = 0;
  bool same = true, encrypted = false;
  ListCell* cell;
  foreach (cell, query->targetList) {
    auto* target = lfirst_node(TargetEntry, cell);
    if (target->resjunk) continue;
    column = skip_dropped(row, column);
    Oid type = exprType(reinterpret_cast<Node*>(target->expr));
    same = same && column < row->natts && TupleDescAttr(row, column)->atttypid == type;
    encrypted = encrypted || find_column_type(type) != nullptr;
    ++column;
  }
  same = same && skip_dropped(row, column) == row->natts;
  ReleaseTupleDesc(row);
  return same && encrypted;
}

}  // namespace nae::columns
