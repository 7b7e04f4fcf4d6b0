#include "pg_nae/columns/raw_statement.hpp"

namespace nae::columns {
namespace {

// PL/pgSQL alone looks for its variables before the columns. Its expressions and assignments have a
// grammar of their own.
RawParseMode mode_of(const ParseState* state) {
  if (state->p_pre_columnref_hook == nullptr || state->p_ref_hook_state == nullptr)
    return RAW_PARSE_DEFAULT;
  return static_cast<const PLpgSQL_expr*>(state->p_ref_hook_state)->parseMode;
}

// One text may hold many statements.
RawStmt* statement_at(List* statements, int location) {
  ListCell* cell;
  foreach (cell, statements) {
    auto* statement = lfirst_node(RawStmt, cell);
    if (statement->stmt_location == location) return statement;
  }
  return nullptr;
}

// SELECT INTO is analyzed as the SELECT alone.
Node* without_into(SelectStmt* select) {
  SelectStmt* leftmost = select;
  while (leftmost->op != SETOP_NONE) leftmost = leftmost->larg;
  leftmost->intoClause = nullptr;
  return reinterpret_cast<Node*>(select);
}

// The statement within another one; nullptr when there is none that could be analyzed alone.
Node* optimizable_in(Node* statement) {
  switch (nodeTag(statement)) {
    case T_SelectStmt:
      return without_into(reinterpret_cast<SelectStmt*>(statement));
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
#if PG_VERSION_NUM >= 150000
    case T_MergeStmt:
#endif
    case T_PLAssignStmt:
      return statement;
    case T_ExplainStmt:
      return optimizable_in(reinterpret_cast<ExplainStmt*>(statement)->query);
    case T_PrepareStmt:
      return optimizable_in(reinterpret_cast<PrepareStmt*>(statement)->query);
    case T_DeclareCursorStmt:
      return optimizable_in(reinterpret_cast<DeclareCursorStmt*>(statement)->query);
    case T_ViewStmt:
      return optimizable_in(reinterpret_cast<ViewStmt*>(statement)->query);
    case T_CreateTableAsStmt:
      return optimizable_in(reinterpret_cast<CreateTableAsStmt*>(statement)->query);
    case T_CopyStmt: {
      Node* query = reinterpret_cast<CopyStmt*>(statement)->query;
      return query == nullptr ? nullptr : optimizable_in(query);
    }
    default:
      return nullptr;
  }
}

}  // namespace

RawStmt* raw_statement_at(const ParseState* state, int location) {
  if (state->p_sourcetext == nullptr) return nullptr;
  List* statements = raw_parser(state->p_sourcetext, mode_of(state));
  RawStmt* statement = statement_at(statements, location);
  Node* optimizable = statement == nullptr ? nullptr : optimizable_in(statement->stmt);
  if (optimizable == nullptr) return nullptr;
  statement->stmt = optimizable;
  return statement;
}

}  // namespace nae::columns
