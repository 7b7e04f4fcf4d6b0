#include "pg_nae/columns/resolution.hpp"

#include "pg_nae/columns/expressions.hpp"
#include "pg_nae/columns/positions.hpp"
#include "pg_nae/columns/raw_statement.hpp"
#include "pg_nae/columns/settled.hpp"
#include "pg_nae/columns/utility.hpp"
#include "pg_nae/columns/whole_row.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::columns {
namespace {

// As parse_param.c has it: who describes a statement's parameters keeps their types there.
struct VariableParameters {
  Oid** types;
  int* count;
};

// The second analysis, while it runs. Parse states of sub-selects inherit its hooks, which find it
// here; p_ref_hook_state belongs to the hooks that were there before.
struct Analysis {
  const Positions& positions;
  PreParseColumnRefHook column_reference;
  CoerceParamHook coerce_parameter;
  bool stores;  // a view or a table is made of what it puts out
};
Analysis* current = nullptr;

// While the statement is analyzed the plaintext of a column is no cast, which the parser would look
// through where it finds keys again; afterwards it is one that nobody wrote.
constexpr CoercionForm kUnspoken = COERCE_SQL_SYNTAX;

bool describes_parameters(const ParseState* state) {
  return state->p_coerce_param_hook != nullptr;
}

bool wants_stored(const Node* column, Standing standing) {
  if (standing == Standing::stored) return true;
  return standing == Standing::stored_if_equal_so && type_of(column)->deterministic &&
         typmod_below_domain(column) >= 0;
}

// What the references of a parse state, and of those around it, are looked up in.
QueryLevel* place_of(const ParseState* state) {
  if (state == nullptr) return nullptr;
  Query* query = makeNode(Query);
  query->rtable = state->p_rtable;
  auto* level = static_cast<QueryLevel*>(palloc0(sizeof(QueryLevel)));
  level->query = query;
  level->outer = place_of(state->parentParseState);
  return level;
}

// A whole row in an expression is a row of plaintexts. Of what is stored it stays as it was
// written: a view's text would lose the names of its columns, and a table must not keep such a row
// without a word. It becomes one when it is planned.
Node* as_plaintext_row(const ParseState* state, Node* row) {
  bool whole = !current->stores && IsA(row, Var) &&
               reinterpret_cast<Var*>(row)->varattno == InvalidAttrNumber;
  return whole ? readable(row, *place_of(state)) : row;
}

Node* resolve_column(ParseState* state, ColumnRef* reference) {
  // A star stands for columns, which stay as they are stored.
  if (IsA(llast(reference->fields), A_Star))
    return current->column_reference == nullptr ? nullptr
                                                : current->column_reference(state, reference);
  // As it is without us.
  state->p_pre_columnref_hook = current->column_reference;
  Node* column = transformExpr(state, reinterpret_cast<Node*>(reference), state->p_expr_kind);
  state->p_pre_columnref_hook = resolve_column;
  if (state->p_expr_kind == EXPR_KIND_UPDATE_TARGET) return column;
  Standing standing = current->positions.at(reference->location);
  if (type_of(column) == nullptr)
    return standing == Standing::plaintext ? as_plaintext_row(state, column) : column;
  if (wants_stored(column, standing)) return column;
  return cast_to_plaintext(column, standing == Standing::cast ? COERCE_EXPLICIT_CAST : kUnspoken);
}

bool imply_walker(Node* node, void*) {
  if (node == nullptr) return false;
  if (IsA(node, Query))
    return pg::walk_query(reinterpret_cast<Query*>(node), imply_walker, nullptr, 0);
  if (is_decryption(node) && reinterpret_cast<FuncExpr*>(node)->funcformat == kUnspoken)
    reinterpret_cast<FuncExpr*>(node)->funcformat = COERCE_IMPLICIT_CAST;
  return pg::walk_children(node, imply_walker, nullptr);
}

// A parameter that becomes the value of an encrypted column is one of the plaintext type.
Node* coerce_parameter(ParseState* state, Param* parameter, Oid target, int32 typmod,
                       int location) {
  const ColumnType* type = find_column_type(target);
  if (type == nullptr) return current->coerce_parameter(state, parameter, target, typmod, location);
  Node* plain = current->coerce_parameter(state, parameter, plain_oid(type->plain), -1, location);
  return plain == nullptr ? nullptr : as_pending(plain, *type);
}

// What the first analysis took for an encrypted type is found anew.
void forget_encrypted_types(const ParseState* state) {
  auto* parameters = static_cast<VariableParameters*>(state->p_ref_hook_state);
  for (int i = 0; i < *parameters->count; ++i) {
    Oid type = (*parameters->types)[i];
    if (find_column_type(type) != nullptr || find_column_type_of_array(type) != nullptr)
      (*parameters->types)[i] = InvalidOid;
  }
}

ParseState* state_like(const ParseState* given) {
  ParseState* state = make_parsestate(nullptr);
  state->p_sourcetext = given->p_sourcetext;
  state->p_queryEnv = given->p_queryEnv;
  state->p_pre_columnref_hook = resolve_column;
  state->p_post_columnref_hook = given->p_post_columnref_hook;
  state->p_paramref_hook = given->p_paramref_hook;
  state->p_ref_hook_state = given->p_ref_hook_state;
  if (describes_parameters(given)) state->p_coerce_param_hook = coerce_parameter;
  return state;
}

Query* analyzed(const ParseState* given, RawStmt* statement) {
  ParseState* state = state_like(given);
  Query* query = transformTopLevelStmt(state, statement);
  imply_walker(reinterpret_cast<Node*>(query), nullptr);
  if (describes_parameters(given)) check_variable_parameters(state, query);
  free_parsestate(state);
  return query;
}

Query* analyzed_over_plaintexts(const ParseState* given, RawStmt* statement,
                                const Positions& positions, bool stores) {
  Analysis analysis{positions, given->p_pre_columnref_hook, given->p_coerce_param_hook, stores};
  Analysis* before = current;
  Query* volatile query = nullptr;
  current = &analysis;
  PG_TRY();
  { query = analyzed(given, statement); }
  PG_FINALLY();
  { current = before; }
  PG_END_TRY();
  return query;
}

// The query of a utility statement that was analyzed with it; nullptr.
Query* analyzed_with(Query* query) {
  if (query->commandType != CMD_UTILITY) return query;
  Node* inner = nullptr;
  switch (nodeTag(query->utilityStmt)) {
    case T_ExplainStmt:
      inner = reinterpret_cast<ExplainStmt*>(query->utilityStmt)->query;
      break;
    case T_CreateTableAsStmt:
      inner = reinterpret_cast<CreateTableAsStmt*>(query->utilityStmt)->query;
      break;
    case T_DeclareCursorStmt:
      inner = reinterpret_cast<DeclareCursorStmt*>(query->utilityStmt)->query;
      break;
    default:
      break;
  }
  return inner != nullptr && IsA(inner, Query) ? analyzed_with(reinterpret_cast<Query*>(inner))
                                               : nullptr;
}

// A materialized view keeps a copy of its query, which was made of the first analysis.
void renew_view_query(const Query* query, const Query* analyzed) {
  if (query->commandType != CMD_UTILITY || !IsA(query->utilityStmt, CreateTableAsStmt)) return;
  IntoClause* into = reinterpret_cast<CreateTableAsStmt*>(query->utilityStmt)->into;
  if (into != nullptr && into->viewQuery != nullptr)
    into->viewQuery = reinterpret_cast<decltype(into->viewQuery)>(pg::copy_of(analyzed));
}

void replace(Query* query, const Query* by) {
  const Query before = *query;
  *query = *by;
  query->querySource = before.querySource;
  query->queryId = before.queryId;
  query->canSetTag = before.canSetTag;
  query->stmt_location = before.stmt_location;
  query->stmt_len = before.stmt_len;
}

}  // namespace

void resolve_over_plaintexts(ParseState* state, Query* query) {
  Query* first = analyzed_with(query);
  // EXPLAIN shows its query to the hook once more, with a state that did not analyze it.
  if (first == nullptr || first->rtable != state->p_rtable) return;
  if (pg::is_planted("stored arguments")) return;
  if (is_settled(first, describes_parameters(state))) return;
  RawStmt* statement = raw_statement_of(state, query);
  if (statement == nullptr) return;
  Positions positions = positions_in(statement->stmt);
  add_positions_of(first, positions);
  add_positions_of_equal_keys(statement->stmt, positions);
  if (describes_parameters(state)) forget_encrypted_types(state);
  const bool stores = keeps_ciphertext() || first != query;
  replace(first, analyzed_over_plaintexts(state, statement, positions, stores));
  renew_view_query(query, first);
}

}  // namespace nae::columns
