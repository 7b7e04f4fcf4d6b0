#include "pg_nae/columns/settled.hpp"

#include "pg_nae/columns/arguments.hpp"
#include "pg_nae/columns/set_operation.hpp"
#include "pg_nae/columns/whole_row.hpp"

namespace nae::columns {
namespace {

struct Search {
  bool describes_parameters;
};

// A value, a row with one, or an array of either.
bool is_value(const Node* node) {
  return node != nullptr && holds_encrypted(exprType(node));
}

bool has_value(const List* expressions) {
  ListCell* cell;
  foreach (cell, expressions) {
    auto* expression = static_cast<Node*>(lfirst(cell));
    if (IsA(expression, TargetEntry))
      expression = reinterpret_cast<Node*>(reinterpret_cast<TargetEntry*>(expression)->expr);
    if (is_value(expression)) return true;
  }
  return false;
}

// What the extension has for its types says by its declaration what it takes.
bool is_unsettled_call(Oid function, const List* arguments) {
  return has_value(arguments) && !looks_at_storage(function) && !is_column_function(function);
}

void find_value(Node* output, void* found) {
  if (is_value(output)) *static_cast<bool*>(found) = true;
}

bool is_unsettled_set_operation(Query* query) {
  auto* operation = reinterpret_cast<const SetOperationStmt*>(query->setOperations);
  int column = 0;
  ListCell *type_cell, *typmod_cell;
  forboth(type_cell, operation->colTypes, typmod_cell, operation->colTypmods) {
    ++column;
    bool kept = is_kept_by(query->setOperations, lfirst_oid(type_cell), lfirst_int(typmod_cell));
    if (kept && !is_sorted(query, column)) continue;
    bool found = false;
    each_branch_output(query, column, find_value, &found);
    if (found) return true;
  }
  return false;
}

bool is_sublink_value(Node* node) {
  return IsA(node, SubLink) && is_value(node);
}

// A sub-select that is a key of groups is not found again when it is decrypted outside.
bool groups_by_sublink(const Query* query) {
  if (query->groupClause == NIL) return false;
  ListCell* cell;
  foreach (cell, query->targetList) {
    auto* target = lfirst_node(TargetEntry, cell);
    if (target->ressortgroupref != 0 && is_sublink_value(reinterpret_cast<Node*>(target->expr)))
      return true;
  }
#if PG_VERSION_NUM >= 180000
  foreach (cell, query->rtable) {
    ListCell* key;
    foreach (key, lfirst_node(RangeTblEntry, cell)->groupexprs)
      if (is_sublink_value(static_cast<Node*>(lfirst(key)))) return true;
  }
#endif
  return false;
}

bool orders_window(const Query* query) {
  ListCell *cell, *inner;
  foreach (cell, query->windowClause) {
    foreach (inner, lfirst_node(WindowClause, cell)->orderClause) {
      TargetEntry* target =
          get_sortgroupclause_tle(lfirst_node(SortGroupClause, inner), query->targetList);
      if (is_value(reinterpret_cast<Node*>(target->expr))) return true;
    }
  }
  return false;
}

bool settled_walker(Node* node, void* state);

bool is_unsettled_query(Query* query, void* state) {
  return (query->setOperations != nullptr && is_unsettled_set_operation(query)) ||
         groups_by_sublink(query) || orders_window(query) ||
         pg::walk_query(query, settled_walker, state, 0);
}

bool settled_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  switch (nodeTag(node)) {
    case T_Query:
      return is_unsettled_query(reinterpret_cast<Query*>(node), state);
    case T_Param: {
      auto* parameter = reinterpret_cast<Param*>(node);
      return static_cast<Search*>(state)->describes_parameters &&
             parameter->paramkind == PARAM_EXTERN && holds_encrypted(parameter->paramtype);
    }
    case T_FuncExpr: {
      auto* call = reinterpret_cast<FuncExpr*>(node);
      if (is_unsure_conversion(node) || is_unsettled_call(call->funcid, call->args)) return true;
      break;
    }
    case T_Aggref: {
      auto* aggregate = reinterpret_cast<Aggref*>(node);
      if (is_unsettled_call(aggregate->aggfnoid, aggregate->args) ||
          has_value(aggregate->aggdirectargs))
        return true;
      break;
    }
    case T_WindowFunc: {
      auto* call = reinterpret_cast<WindowFunc*>(node);
      if (is_unsettled_call(call->winfnoid, call->args)) return true;
      break;
    }
    case T_OpExpr:
    case T_DistinctExpr: {
      auto* call = reinterpret_cast<OpExpr*>(node);
      set_opfuncid(call);
      if (is_unsettled_call(call->opfuncid, call->args)) return true;
      break;
    }
    case T_ScalarArrayOpExpr:
      if (has_value(reinterpret_cast<ScalarArrayOpExpr*>(node)->args)) return true;
      break;
    case T_NullIfExpr:
    case T_CaseExpr:
    case T_CoalesceExpr:
    case T_MinMaxExpr:
    case T_ArrayExpr:
    case T_ArrayCoerceExpr:
    case T_SubscriptingRef:
    case T_CoerceViaIO:
      if (is_value(node)) return true;
      break;
    case T_RowExpr:
      if (has_value(reinterpret_cast<RowExpr*>(node)->args)) return true;
      break;
    case T_RowCompareExpr: {
      auto* comparison = reinterpret_cast<RowCompareExpr*>(node);
      if (has_value(comparison->largs) || has_value(comparison->rargs)) return true;
      break;
    }
    default:
      break;
  }
  return pg::walk_children(node, settled_walker, state);
}

}  // namespace

bool is_unsure_conversion(const Node* node) {
  if (!IsA(node, FuncExpr)) return false;
  auto* call = reinterpret_cast<const FuncExpr*>(node);
  if (call->funcformat != COERCE_IMPLICIT_CAST || list_length(call->args) != 1) return false;
  const ColumnType* type = find_column_type(exprType(static_cast<Node*>(linitial(call->args))));
  if (type != nullptr) return is_cast_of(*type, call->funcid);
  // From another type than the plaintext's into an encrypted one, as 0 beside a numeric column.
  const ColumnType* made = find_column_type(call->funcresulttype);
  return made != nullptr && is_column_function(call->funcid) && call->funcid != made->pend;
}

bool is_settled(Query* query, bool describes_parameters) {
  Search search{describes_parameters};
  return !is_unsettled_query(query, &search);
}

}  // namespace nae::columns
