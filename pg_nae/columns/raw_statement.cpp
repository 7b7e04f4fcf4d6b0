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

// The text with nothing but one statement in it, at the place that it has. A script is one text
// with many statements, and reading all of it again for each would take the square of its length.
const char* statement_alone(const char* text, const Query* query) {
  if (query->stmt_location <= 0 && query->stmt_len <= 0) return text;
  auto begin = static_cast<std::size_t>(query->stmt_location);
  std::size_t length =
      query->stmt_len > 0 ? static_cast<std::size_t>(query->stmt_len) : std::strlen(text + begin);
  auto* alone = static_cast<char*>(palloc(begin + length + 1));
  std::memset(alone, ' ', begin);
  std::memcpy(alone + begin, text + begin, length);
  alone[begin + length] = '\0';
  return alone;
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

RawStmt* raw_statement_of(const ParseState* state, const Query* query) {
  if (state->p_sourcetext == nullptr || query->stmt_location < 0) return nullptr;
  List* statements = raw_parser(statement_alone(state->p_sourcetext, query), mode_of(state));
  if (list_length(statements) != 1) return nullptr;
  RawStmt* statement = linitial_node(RawStmt, statements);
  statement->stmt = optimizable_in(statement->stmt);
  return statement->stmt == nullptr ? nullptr : statement;
}

}  // namespace nae::columns
