#include "pg_nae/columns/plpgsql.hpp"

#include "pg_nae/columns/dynamic_query.hpp"
#include "pg_nae/columns/expressions.hpp"

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

namespace {

// The row of the table whose trigger runs; nullptr.
TupleDesc triggering_row(const PLpgSQL_function* function) {
  const PLpgSQL_execstate* running = function->cur_estate;
  if (function->fn_is_trigger != PLPGSQL_DML_TRIGGER || running == nullptr ||
      running->trigdata == nullptr)
    return nullptr;
  TupleDesc row = RelationGetDescr(running->trigdata->tg_relation);
  PinTupleDesc(row);
  return row;
}

// Whose query it is; nullptr.
const PLpgSQL_function* function_of(const ParseState* state) {
  if (state->p_pre_columnref_hook == nullptr) return function_that_returns_dynamically();
  if (state->p_ref_hook_state == nullptr) return nullptr;
  return static_cast<PLpgSQL_expr*>(state->p_ref_hook_state)->func;
}

// The row that a query of a PL/pgSQL function may be for, of RETURN QUERY or SELECT INTO NEW;
// nullptr.
TupleDesc wanted_row_of(const ParseState* state) {
  const PLpgSQL_function* function = function_of(state);
  if (function == nullptr) return nullptr;
  if (!function->fn_retset || !type_is_rowtype(function->fn_rettype))
    return triggering_row(function);
  return lookup_rowtype_tupdesc_noerror(function->fn_rettype, -1, true);
}

List* outputs_of(const Query* query) {
  return query->commandType == CMD_SELECT ? query->targetList : query->returningList;
}

// The value of an output as the column of the row has it; nullptr when it is of another type.
Node* for_column(Node* output, Form_pg_attribute column) {
  if (exprType(output) == column->atttypid) return output;
  const ColumnType* type = find_column_type(column->atttypid);
  return type != nullptr && exprType(output) == plain_oid(type->plain)
             ? stored_again(output, *type, column->atttypmod)
             : nullptr;
}

// What is put out for each column; NIL when the outputs are not such a row, or nothing of it is
// encrypted.
List* values_for(TupleDesc row, List* outputs) {
  int column = 0;
  bool encrypted = false;
  List* values = NIL;
  ListCell* cell;
  foreach (cell, outputs) {
    auto* target = lfirst_node(TargetEntry, cell);
    if (target->resjunk) continue;
    column = skip_dropped(row, column);
    if (column >= row->natts) return NIL;
    auto* attribute = TupleDescAttr(row, column++);
    Node* value = for_column(reinterpret_cast<Node*>(target->expr), attribute);
    if (value == nullptr) return NIL;
    encrypted = encrypted || find_column_type(attribute->atttypid) != nullptr;
    values = lappend(values, value);
  }
  return encrypted && skip_dropped(row, column) == row->natts ? values : NIL;
}

}  // namespace

bool keeps_rows_of_a_table(const ParseState* state, Query* query) {
  TupleDesc row = wanted_row_of(state);
  if (row == nullptr) return false;
  List* values = values_for(row, outputs_of(query));
  ReleaseTupleDesc(row);
  if (values == NIL) return false;
  ListCell *cell, *value = list_head(values);
  foreach (cell, outputs_of(query)) {
    auto* target = lfirst_node(TargetEntry, cell);
    if (target->resjunk) continue;
    target->expr = static_cast<Expr*>(lfirst(value));
    value = lnext(values, value);
  }
  return true;
}

bool is_sql_function(const ParseState* state) {
  return state->p_pre_columnref_hook == nullptr && state->p_post_columnref_hook != nullptr &&
         state->p_paramref_hook != nullptr && state->p_coerce_param_hook == nullptr;
}

}  // namespace nae::columns
