#include "pg_nae/batch/hoist.hpp"

#include "pg_nae/batch/batchable.hpp"
#include "pg_nae/pg/plant.hpp"
#ifdef NAE_BATCH_FUZZ
#include "pg_nae/batch/fuzz.hpp"
#endif

namespace nae::batch {
namespace {

bool is_batchable_function(Oid function) {
#ifdef NAE_BATCH_FUZZ
  if (fuzzing()) return is_fuzzed(function);
#endif
  return find_batchable(function) != nullptr;
}

// What most arguments are.
bool is_column_or_constant(const Node* node) {
  return IsA(node, Var) || IsA(node, Const);
}

bool contains_call_walker(Node* node, void*) {
  if (node == nullptr || is_column_or_constant(node)) return false;
  if (IsA(node, SubPlan)) {
    auto* sub_plan = reinterpret_cast<SubPlan*>(node);
    return contains_call_walker(sub_plan->testexpr, nullptr) ||
           contains_call_walker(reinterpret_cast<Node*>(sub_plan->args), nullptr);
  }
  return is_batchable_call(node) || walk_calls(node, contains_call_walker, nullptr);
}

bool reads_walker(Node* node, void* parameters) {
  if (node == nullptr) return false;
  if (!IsA(node, Param)) return walk_columns(node, reads_walker, parameters);
  auto* parameter = reinterpret_cast<Param*>(node);
  return parameter->paramkind == PARAM_EXEC &&
         bms_is_member(parameter->paramid, static_cast<Bitmapset*>(parameters));
}

// random(), clock_timestamp(), gen_random_uuid(): nobody can tell when they were called.
bool is_harmless(Oid function) {
  constexpr Oid kHarmless[] = {1598, 2649, 3432};
  for (Oid harmless : kHarmless)
    if (function == harmless) return true;
  return false;
}

bool is_volatile_function(Oid function, void*) {
  return func_volatile(function) == PROVOLATILE_VOLATILE && !is_batchable_function(function) &&
         !is_harmless(function);
}

bool bound_walker(Node* node, void*) {
  if (node == nullptr || is_column_or_constant(node)) return false;
  if (IsA(node, NextValueExpr) || evaluation_of(node) == Evaluation::enclosed) return true;
  if (check_functions_in_node(node, is_volatile_function, nullptr)) return true;
  return walk_columns(node, bound_walker, nullptr);
}

// Evaluated by the child: nodes that only it can evaluate.
bool is_leaf(const Node* node) {
  Evaluation evaluation = evaluation_of(node);
  return evaluation == Evaluation::of_the_node || evaluation == Evaluation::sub_plan;
}

bool leaf_walker(Node* node, void*) {
  if (node == nullptr) return false;
  return is_leaf(node) || walk_columns(node, leaf_walker, nullptr);
}

int position_of(const List* list, const Node* node) {
  int position = 0;
  ListCell* cell;
  foreach (cell, list) {
    if (equal(lfirst(cell), node)) return position;
    ++position;
  }
  return -1;
}

int target_of(Lift& lifted, Node* expression) {
  if (int position = position_of_target(lifted, expression)) return position;
  if (lifted.vacant != NIL && !pg::is_planted("wide rows")) {
    auto* place = linitial_node(TargetEntry, lifted.vacant);
    lifted.vacant = list_delete_first(lifted.vacant);
    place->expr = copy_of(reinterpret_cast<Expr*>(expression));
    place->ressortgroupref = 0;
    return place->resno;
  }
  return append_target(lifted.targets, copy_of(reinterpret_cast<Expr*>(expression)))->resno;
}

Node* call_result(FuncExpr* call, int number) {
  return reinterpret_cast<Node*>(
      makeVar(INDEX_VAR, static_cast<AttrNumber>(-(number + 1)), call->funcresulttype,
              exprTypmod(reinterpret_cast<Node*>(call)), call->funccollid, 0));
}

void add_arguments(const FuncExpr* call, Lift& lifted) {
  ListCell* cell;
  foreach (cell, call->args)
    if (!IsA(lfirst(cell), Const)) target_of(lifted, static_cast<Node*>(lfirst(cell)));
}

// FuncExpr.location of a call whose values are asked for ahead: nobody reads it in a plan, and
// whatever is made of the call keeps it.
constexpr int kAskedAhead = -2;

// A call that may not be evaluated for every row is left to its place. Its values are asked for
// with those of the batch, and are there when it is: of OR, whose later arms decide about most
// rows.
void ask_ahead(FuncExpr* call, Lift& lifted) {
  if (!lifted.may_ahead || call->location == kAskedAhead || !opens_column(call->funcid) ||
      !depends_on_row(reinterpret_cast<Node*>(call)))
    return;
  call->location = kAskedAhead;
  if (position_of(lifted.ahead, reinterpret_cast<Node*>(call)) >= 0) return;
  lifted.ahead = lappend(lifted.ahead, copy_of(call));
  add_arguments(call, lifted);
}

bool may_be_ahead(const FuncExpr* call) {
  auto* arguments = reinterpret_cast<Node*>(call->args);
  return !contains_batchable_call(arguments) && !is_bound_to_its_row(arguments);
}

// nullptr when the call must stay where it is.
Node* lift_call(FuncExpr* call, Lift& lifted) {
  auto* node = reinterpret_cast<Node*>(call);
  if (!may_be_ahead(call)) return nullptr;
  if (lifted.inner != nullptr && reads_walker(reinterpret_cast<Node*>(call->args), lifted.inner))
    return nullptr;
  int shared = position_of(lifted.calls, node);
  if (shared >= 0 && !contain_volatile_functions(node)) return call_result(call, shared);
  if (lifted.shared_only) {
    ask_ahead(call, lifted);
    return nullptr;
  }
  lifted.calls = lappend(lifted.calls, copy_of(call));
  add_arguments(call, lifted);
  return call_result(call, list_length(lifted.calls) - 1);
}

Node* lift_mutator(Node* node, void* state);

Node* lift_shared_only(Node* node, Lift& lifted, bool ahead = false) {
  const bool shared_only = lifted.shared_only, may_ahead = lifted.may_ahead;
  lifted.may_ahead = ahead && may_ahead;
  lifted.shared_only = true;
  Node* result = lift_mutator(node, &lifted);
  lifted.shared_only = shared_only;
  lifted.may_ahead = may_ahead;
  return result;
}

// The first argument of COALESCE, AND and OR is always evaluated, the others are not: those of OR
// for all rows but those that an argument before has let pass.
List* lift_first_of(List* arguments, Lift& lifted, bool ahead = false) {
  List* result = NIL;
  ListCell* cell;
  foreach (cell, arguments) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    result = lappend(result, result == NIL ? lift_mutator(argument, &lifted)
                                           : lift_shared_only(argument, lifted, ahead));
  }
  return result;
}

Node* lift_case(CaseExpr* node, Lift& lifted) {
  CaseExpr* result = flat_copy(node);
  result->arg = reinterpret_cast<Expr*>(lift_mutator(reinterpret_cast<Node*>(node->arg), &lifted));
  result->args = NIL;
  ListCell* cell;
  foreach (cell, node->args) {
    CaseWhen* when = flat_copy(lfirst_node(CaseWhen, cell));
    auto* condition = reinterpret_cast<Node*>(when->expr);
    when->expr = reinterpret_cast<Expr*>(result->args == NIL ? lift_mutator(condition, &lifted)
                                                             : lift_shared_only(condition, lifted));
    when->result =
        reinterpret_cast<Expr*>(lift_shared_only(reinterpret_cast<Node*>(when->result), lifted));
    result->args = lappend(result->args, when);
  }
  result->defresult =
      reinterpret_cast<Expr*>(lift_shared_only(reinterpret_cast<Node*>(node->defresult), lifted));
  return reinterpret_cast<Node*>(result);
}

Node* lift_conditional(Node* node, Lift& lifted) {
  if (IsA(node, CaseExpr)) return lift_case(reinterpret_cast<CaseExpr*>(node), lifted);
  if (IsA(node, CoalesceExpr)) {
    auto* result = flat_copy(reinterpret_cast<CoalesceExpr*>(node));
    result->args = lift_first_of(result->args, lifted);
    return reinterpret_cast<Node*>(result);
  }
  if (IsA(node, BoolExpr)) {
    auto* result = flat_copy(reinterpret_cast<BoolExpr*>(node));
    result->args = lift_first_of(result->args, lifted, result->boolop == OR_EXPR);
    return reinterpret_cast<Node*>(result);
  }
  const bool shared_only = lifted.shared_only, may_ahead = lifted.may_ahead;
  lifted.shared_only = true;
  lifted.may_ahead = false;
  Node* result = mutate_calls(node, lift_mutator, &lifted);
  lifted.shared_only = shared_only;
  lifted.may_ahead = may_ahead;
  return result;
}

// What a sub-plan is given and compared with is evaluated each time before it is run, but for what
// the plan itself sets. Then the sub-plan, too, is evaluated above.
Node* lift_sub_plan(SubPlan* node, Lift& lifted) {
  SubPlan* result = flat_copy(node);
  Bitmapset* before = lifted.inner;
  lifted.inner = bms_copy(before);
  ListCell* cell;
  foreach (cell, node->paramIds) lifted.inner = bms_add_member(lifted.inner, lfirst_int(cell));
  result->testexpr = lift_mutator(node->testexpr, &lifted);
  lifted.inner = before;
  result->args =
      reinterpret_cast<List*>(lift_mutator(reinterpret_cast<Node*>(node->args), &lifted));
  return reinterpret_cast<Node*>(result);
}

// SET (a, b) = (SELECT ...) belongs to the projection that its values are for.
bool is_lifted_sub_plan(Node* node) {
  return IsA(node, SubPlan) && contains_batchable_call(node) &&
         reinterpret_cast<SubPlan*>(node)->subLinkType != MULTIEXPR_SUBLINK;
}

Node* lift_mutator(Node* node, void* state) {
  if (node == nullptr) return nullptr;
  Lift& lifted = *static_cast<Lift*>(state);
  if (is_batchable_call(node))
    if (Node* result = lift_call(reinterpret_cast<FuncExpr*>(node), lifted)) return result;
  if (is_lifted_sub_plan(node)) return lift_sub_plan(reinterpret_cast<SubPlan*>(node), lifted);
  if (is_leaf(node))
    return reinterpret_cast<Node*>(make_var(INDEX_VAR, target_of(lifted, node), node));
  if (is_conditional(node)) return lift_conditional(node, lifted);
  return mutate_calls(node, lift_mutator, state);
}

bool number_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  if (IsA(node, Var)) {
    auto* var = reinterpret_cast<Var*>(node);
    if (var->varno == INDEX_VAR && var->varattno < 0)
      var->varattno = static_cast<AttrNumber>(*static_cast<int*>(state) - var->varattno);
    return false;
  }
  return walk_columns(node, number_walker, state);
}

}  // namespace

bool is_batchable_call(const Node* node) {
  return IsA(node, FuncExpr) &&
         is_batchable_function(reinterpret_cast<const FuncExpr*>(node)->funcid);
}

bool contains_batchable_call(Node* node) {
  return contains_call_walker(node, nullptr);
}

bool is_bound_to_its_row(Node* node) {
  return bound_walker(node, nullptr);
}

bool depends_on_row(Node* node) {
  return leaf_walker(node, nullptr);
}

int position_of_target(const Lift& lifted, const Node* expression) {
  ListCell* cell;
  foreach (cell, lifted.targets) {
    auto* target = lfirst_node(TargetEntry, cell);
    if (equal(target->expr, expression)) return target->resno;
  }
  return 0;
}

Node* lift(Node* expression, Lift& lifted) {
  return lift_mutator(expression, &lifted);
}

void number_calls(Node* expression, int child_columns) {
  number_walker(expression, &child_columns);
}

bool fits_a_row(const Lift& lifted) {
  return list_length(lifted.targets) <= MaxTupleAttributeNumber || pg::is_planted("wide rows");
}

bool has_hoistable_call(Node* expression) {
  if (!contains_batchable_call(expression)) return false;
  // As most are.
  if (is_batchable_call(expression) && may_be_ahead(reinterpret_cast<FuncExpr*>(expression)))
    return true;
  Lift trial;
  lift(copy_of(expression), trial);
  return trial.calls != NIL || trial.ahead != NIL;
}

int first_hoistable(List* quals) {
  int place = 0;
  ListCell* cell;
  foreach (cell, quals) {
    if (has_hoistable_call(static_cast<Node*>(lfirst(cell)))) return place;
    ++place;
  }
  return -1;
}

}  // namespace nae::batch
