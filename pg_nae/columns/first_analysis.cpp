// What the first analysis of a statement knows of its column references: add_positions_of().
#include "pg_nae/columns/arguments.hpp"
#include "pg_nae/columns/positions.hpp"
#include "pg_nae/columns/set_operation.hpp"
#include "pg_nae/columns/whole_row.hpp"

namespace nae::columns {
namespace {

bool first_analysis_walker(Node* node, void* state);

// Below what PostgreSQL put around the reference to bring it to a declared type.
Var* reference_in(Node* node) {
  while (node != nullptr && !IsA(node, Var)) {
    if (IsA(node, RelabelType))
      node = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
    else if (IsA(node, CoerceToDomain))
      node = reinterpret_cast<Node*>(reinterpret_cast<CoerceToDomain*>(node)->arg);
    else if (is_encryption(node))
      node = static_cast<Node*>(linitial(reinterpret_cast<FuncExpr*>(node)->args));
    else
      return nullptr;
  }
  return reinterpret_cast<Var*>(node);
}

void add_location(Node* expression, Bitmapset*& set) {
  Var* var = reference_in(expression);
  if (var != nullptr && var->location >= 0) set = bms_add_member(set, var->location);
}

// As jsonb_populate_record(t, …), for a row of the table's own type.
bool makes_a_row_like(Oid function) {
  return get_func_prokind(function) == PROKIND_FUNCTION &&
         IsPolymorphicType(get_func_rettype(function));
}

// What stands in for PostgreSQL's own functions is found anew.
bool wants_stored(Oid function, Oid parameter, const Node* argument) {
  if (looks_at_storage(function)) return true;
  if (is_encrypted_row(exprType(argument)) && makes_a_row_like(function)) return true;
  return (find_column_type(parameter) != nullptr &&
          get_func_namespace(function) != PG_CATALOG_NAMESPACE) ||
         (OidIsValid(parameter) && is_encrypted_row(parameter));
}

// Its own casts and nae_internal.plain() are not what somebody called with a stored value in mind.
void add_arguments(Oid function, List* arguments, Positions& positions) {
  Oid* parameters;
  int count;
  get_func_signature(function, &parameters, &count);
  int position = 0;
  ListCell* cell;
  foreach (cell, arguments) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    if (IsA(argument, TargetEntry))
      argument = reinterpret_cast<Node*>(reinterpret_cast<TargetEntry*>(argument)->expr);
    Oid parameter = position < count ? parameters[position] : InvalidOid;
    if (wants_stored(function, parameter, argument)) add_location(argument, positions.stored);
    ++position;
  }
}

void add_call(FuncExpr* call, Positions& positions) {
  // Calls that somebody wrote; of casts the position in the text decides.
  if (call->funcformat != COERCE_EXPLICIT_CALL) return;
  add_arguments(call->funcid, call->args, positions);
}

void add_output(Node* output, void* positions) {
  add_location(output, static_cast<Positions*>(positions)->plaintexts);
}

// An expression is one of plaintexts when it is analyzed again.
void find_expression(Node* output, void* found) {
  bool null = IsA(output, Const) && reinterpret_cast<Const*>(output)->constisnull;
  if (reference_in(output) == nullptr && !null) *static_cast<bool*>(found) = true;
}

// Branches of one declaration hand on what is stored, where equal rows need not be found, or are
// found by equal ciphertexts. All others are of plaintexts.
void add_set_operation(Query* query, Positions& positions) {
  auto* operation = reinterpret_cast<SetOperationStmt*>(query->setOperations);
  int column = 0;
  ListCell *type_cell, *typmod_cell;
  forboth(type_cell, operation->colTypes, typmod_cell, operation->colTypmods) {
    ++column;
    bool made = is_sorted(query, column);
    each_branch_output(query, column, find_expression, &made);
    if (made || !is_kept_by(query->setOperations, lfirst_oid(type_cell), lfirst_int(typmod_cell)))
      each_branch_output(query, column, add_output, &positions);
  }
}

bool first_analysis_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  auto& positions = *static_cast<Positions*>(state);
  switch (nodeTag(node)) {
    case T_Query: {
      auto* query = reinterpret_cast<Query*>(node);
      if (query->setOperations != nullptr) add_set_operation(query, positions);
      return pg::walk_query(query, first_analysis_walker, state, 0);
    }
    case T_FuncExpr:
      add_call(reinterpret_cast<FuncExpr*>(node), positions);
      break;
    case T_Aggref: {
      auto* aggregate = reinterpret_cast<Aggref*>(node);
      add_arguments(aggregate->aggfnoid, aggregate->args, positions);
      break;
    }
    case T_WindowFunc: {
      auto* call = reinterpret_cast<WindowFunc*>(node);
      add_arguments(call->winfnoid, call->args, positions);
      break;
    }
    default:
      break;
  }
  return pg::walk_children(node, first_analysis_walker, state);
}

}  // namespace

void add_positions_of(Query* query, Positions& positions) {
  first_analysis_walker(reinterpret_cast<Node*>(query), &positions);
}

}  // namespace nae::columns
