// Checks of expressions: columns, parameters, calls, aggregates.
#include "pg_nae/batch/check_level.hpp"
#include "pg_nae/batch/evaluation.hpp"
#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/declared.hpp"

namespace nae::batch {
namespace {

// The whole row that ON CONFLICT proposes stands behind its columns, as column 0.
const TargetEntry* emitted_at(const List* targets, int column) {
  if (column < 0 || column > list_length(targets)) return nullptr;
  if (column > 0) return target_at(targets, column);
  auto* last = targets == NIL ? nullptr : llast_node(TargetEntry, targets);
  return last != nullptr && last->resno == 0 ? last : nullptr;
}

bool check_source(const Level& level, const Node* source, const Var* var) {
  if (source == nullptr) return refuse(level, "a column is read that the node below does not emit");
  if (!is_delivered(source, var->vartype, var->vartypmod))
    return refuse(level, "a column is read as one of another type");
  return false;
}

bool check_in_list(const Level& level, const List* targets, const Var* var) {
  const TargetEntry* emitted = emitted_at(targets, var->varattno);
  return check_source(
      level, emitted == nullptr ? nullptr : reinterpret_cast<const Node*>(emitted->expr), var);
}

// What is shown of a batch's call has not the modifier of its type, so the call itself is asked.
bool check_in_index(const Level& level, const Var* var) {
  const int call = var->varattno - (list_length(level.indexed) - list_length(level.calls));
  const bool is_call = call > 0 && call <= list_length(level.calls);
  return is_call ? check_source(level, static_cast<Node*>(list_nth(level.calls, call - 1)), var)
                 : check_in_list(level, level.indexed, var);
}

// The column's type, as its relation or the plan of that says; InvalidOid where neither does.
Oid type_in_relation(const Level& level, const Var* var) {
  auto* relation = static_cast<const RangeTblEntry*>(
      list_nth(level.check.statement->rtable, static_cast<int>(var->varno) - 1));
  const Plan* plan = level.plan;
  const List* targets = NIL;
  // Surgery changes no column of a table; the executor holds them against the table itself.
  if (relation->rtekind == RTE_RELATION) return var->vartype;
  if (IsA(plan, SubqueryScan))
    targets = reinterpret_cast<const SubqueryScan*>(plan)->subplan->targetlist;
  if (IsA(plan, CteScan)) {
    int number = reinterpret_cast<const CteScan*>(plan)->ctePlanId;
    targets = static_cast<Plan*>(list_nth(level.check.statement->subplans, number - 1))->targetlist;
  }
  if (IsA(plan, ValuesScan)) {
    auto* row =
        static_cast<List*>(linitial(reinterpret_cast<const ValuesScan*>(plan)->values_lists));
    return var->varattno > list_length(row)
               ? InvalidOid
               : exprType(static_cast<Node*>(list_nth(row, var->varattno - 1)));
  }
  if (targets == NIL) return var->vartype;
  return var->varattno > list_length(targets)
             ? InvalidOid
             : exprType(reinterpret_cast<Node*>(target_at(targets, var->varattno)->expr));
}

bool check_var(const Level& level, const Var* var) {
  if (var->varlevelsup != 0) return refuse(level, "a column of an outer query is read");
  if (var->varno == OUTER_VAR) return check_in_list(level, level.outer, var);
  if (var->varno == INNER_VAR) return check_in_list(level, level.inner, var);
  if (var->varno == INDEX_VAR) return level.index_columns ? false : check_in_index(level, var);
  auto number = static_cast<int>(var->varno);
  if (number < 1 || number > list_length(level.check.statement->rtable))
    return refuse(level, "a column of no relation is read");
  if (level.any_relation) return false;
  if (number != level.relation && !bms_is_member(number, level.relations))
    return refuse(level, "a column of another relation is read");
  if (var->varattno > 0 && type_in_relation(level, var) != var->vartype)
    return refuse(level, "a column of a relation is read as one of another type");
  return false;
}

bool check_parameter(const Level& level, const Param* parameter) {
  if (parameter->paramkind == PARAM_EXTERN) return false;
  int number = parameter->paramid;
  if (parameter->paramkind != PARAM_EXEC || number < 0 || number >= level.check.parameter_count)
    return refuse(level, "a parameter is read that no plan sets");
  if (list_nth_oid(level.check.statement->paramExecTypes, number) != parameter->paramtype)
    return refuse(level, "a parameter is read as one of another type");
  if (!bms_is_member(number, level.set))
    return refuse(level, "a parameter is read where nothing has set it");
  if (level.signals && !bms_is_member(number, level.set_here) &&
      !bms_is_member(number, level.plan->allParam))
    return refuse(level, "a parameter is read whose changes are not signalled");
  return false;
}

// Whether surgery may have put an argument there: a column of a node below.
bool is_given_columns(const Level& level, const List* arguments) {
  if (level.index_columns) return false;
  ListCell* cell;
  foreach (cell, arguments) {
    const auto* var = static_cast<const Var*>(lfirst(cell));
    if (IsA(var, Var) && IS_SPECIAL_VARNO(var->varno)) return true;
  }
  return false;
}

// The executor passes what it has: a number for a pointer, if the expression says so.
bool check_arguments(const Level& level, Oid function, const List* arguments) {
  if (!is_given_columns(level, arguments)) return false;
  const columns::DeclaredFunction* declared = columns::declared_function(function);
  if (declared == nullptr) return refuse(level, "a function is called that is not there");
  int position = 0;
  ListCell* cell;
  foreach (cell, arguments) {
    if (position >= declared->count) break;  // VARIADIC "any"
    const Oid type = exprType(static_cast<Node*>(lfirst(cell)));
    const Oid wanted = declared->types[position];
    if (type != wanted && !declared->pseudo[position] && !IsBinaryCoercible(type, wanted))
      return refuse(level, "a function is given a value of another type");
    ++position;
  }
  return false;
}

void check_aggregate_keys(const Level& level, const Aggref* aggregate, const List* clauses) {
  ListCell* cell;
  foreach (cell, clauses) {
    auto* clause = lfirst_node(SortGroupClause, cell);
    TargetEntry* target = get_sortgroupref_tle(clause->tleSortGroupRef, aggregate->args);
    Oid type = exprType(reinterpret_cast<Node*>(target->expr));
    if (!takes_operand(clause->eqop, type)) refuse(level, "an aggregate compares other types");
  }
}

bool check_aggregate(const Level& level, const Aggref* aggregate) {
  if (!IsA(level.plan, Agg)) return refuse(level, "an aggregate stands outside of an aggregation");
  if (aggregate->aggsplit == AGGSPLIT_SIMPLE) {
    // The types are those of direct arguments first, which ordered-set aggregates have.
    int position = list_length(aggregate->aggdirectargs);
    ListCell* cell;
    foreach (cell, aggregate->args) {
      if (position >= list_length(aggregate->aggargtypes)) break;
      auto* target = lfirst_node(TargetEntry, cell);
      if (exprType(reinterpret_cast<Node*>(target->expr)) !=
          list_nth_oid(aggregate->aggargtypes, position++))
        return refuse(level, "an aggregate is given a value of another type");
    }
  }
  check_aggregate_keys(level, aggregate, aggregate->aggorder);
  check_aggregate_keys(level, aggregate, aggregate->aggdistinct);
  check_expression(level, aggregate->aggdirectargs);
  check_expression(level, aggregate->args);
  check_expression(level, aggregate->aggfilter);
  return is_refused(level);
}

bool check_walker(Node* node, void* state);
bool check_list(const Level& level, const List* list);

bool check_children(const Level& level, Node* node) {
  return walk_columns(node, check_walker, const_cast<Level*>(&level));
}

bool check_node(const Level& level, Node* node) {
  switch (nodeTag(node)) {
    case T_Var:
      return check_var(level, reinterpret_cast<Var*>(node));
    case T_List:
      return check_list(level, reinterpret_cast<List*>(node));
    case T_Const:
      return false;
    case T_Param:
      return check_parameter(level, reinterpret_cast<Param*>(node));
    case T_SubPlan:
      check_sub_plan(level, reinterpret_cast<SubPlan*>(node));
      return is_refused(level);
    case T_Aggref:
      return check_aggregate(level, reinterpret_cast<Aggref*>(node));
    case T_WindowFunc:
      if (!IsA(level.plan, WindowAgg)) return refuse(level, "a window function is out of place");
      return check_children(level, node);
    case T_GroupingFunc:
      if (!IsA(level.plan, Agg)) return refuse(level, "GROUPING() is out of place");
      return check_children(level, node);
    case T_FuncExpr: {
      auto* call = reinterpret_cast<FuncExpr*>(node);
      return check_arguments(level, call->funcid, call->args) || check_list(level, call->args);
    }
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr: {
      auto* call = reinterpret_cast<OpExpr*>(node);
      return check_arguments(level, call->opfuncid, call->args) || check_list(level, call->args);
    }
    default:
      if (evaluation_of(node) == Evaluation::never)
        return refuse(level, "an expression is of a kind that no plan has");
      return check_children(level, node);
  }
}

bool check_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  return check_node(*static_cast<const Level*>(state), node);
}

// Most of a plan are lists of columns: they are gone through without a call for each.
bool check_list(const Level& level, const List* list) {
  check_stack_depth();
  ListCell* cell;
  foreach (cell, list) {
    auto* node = static_cast<Node*>(lfirst(cell));
    if (node != nullptr && IsA(node, TargetEntry))
      node = reinterpret_cast<Node*>(reinterpret_cast<TargetEntry*>(node)->expr);
    if (node == nullptr || IsA(node, Const)) continue;
    if (IsA(node, Var) ? check_var(level, reinterpret_cast<Var*>(node)) : check_node(level, node))
      return true;
  }
  return false;
}

}  // namespace

bool is_delivered(const Node* source, Oid type, int32 modifier) {
  if (IsA(source, Var)) {  // as most are
    const auto* var = reinterpret_cast<const Var*>(source);
    if (var->vartype == type && var->vartypmod == modifier) return true;
  }
  if (exprType(source) != type) return false;
  return modifier < 0 || exprTypmod(source) == modifier ||
         columns::find_column_type(type) == nullptr;
}

void check_expression(const Level& level, const Node* expression) {
  if (!is_refused(level)) check_walker(const_cast<Node*>(expression), const_cast<Level*>(&level));
}

}  // namespace nae::batch
