// Split: P becomes P', which emits columns and arguments of calls, below a batch node.
#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/surgery.hpp"

namespace nae::batch {
namespace {

bool has_hoistable_target(List* targets) {
  ListCell* cell;
  foreach (cell, targets)
    if (has_hoistable_call(reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell)->expr)))
      return true;
  return false;
}

// A target that is needed below, as a sort key or in a group, is evaluated there.
bool must_stay_above(const TargetEntry* target) {
  return target->ressortgroupref == 0 && is_bound_to_its_row(reinterpret_cast<Node*>(target->expr));
}

// SET (a, b) = (SELECT ...): the sub-select leaves a row's values in parameters, for that row's
// projection alone. Above a batch they would be those of the last row read.
bool multiple_assignment_walker(Node* node, void*) {
  if (node == nullptr) return false;
  if (IsA(node, SubPlan) && reinterpret_cast<SubPlan*>(node)->subLinkType == MULTIEXPR_SUBLINK)
    return true;
  return walk_columns(node, multiple_assignment_walker, nullptr);
}

// Nodes that are not ours to divide, or that PostgreSQL expects to find as they are.
bool may_split(Plan* plan) {
  if (!is_projection_capable_plan(plan)) return false;
  if (multiple_assignment_walker(reinterpret_cast<Node*>(plan->targetlist), nullptr)) return false;
  if (IsA(plan, CustomScan)) return is_batch(plan);
  if (IsA(plan, ForeignScan)) return reinterpret_cast<ForeignScan*>(plan)->operation == CMD_SELECT;
  return true;
}

// One row of one call gains nothing, and PL/pgSQL knows a simple expression by its plan.
bool is_worth_it(Plan* plan) {
  if (!IsA(plan, Result) || plan->lefttree != nullptr) return true;
  if (list_length(plan->targetlist) == 1 || is_bound_to_its_row(plan->targetlist)) return false;
  Lift trial;
  lift(reinterpret_cast<Node*>(copy_of(plan->targetlist)), trial);
  return list_length(trial.calls) > 1;
}

Expr* lift_target(const TargetEntry* target, Lift& lifted, bool shared_only) {
  const bool may_ahead = lifted.may_ahead;
  lifted.shared_only = shared_only;
  lifted.may_ahead = may_ahead && !shared_only;
  auto* result = reinterpret_cast<Expr*>(lift(reinterpret_cast<Node*>(target->expr), lifted));
  lifted.shared_only = false;
  lifted.may_ahead = may_ahead;
  return result;
}

// With a filter: nothing but columns and the arguments of the filter's calls is evaluated for rows
// that the filter may drop. Calls of the target list get a node of their own above.
List* split_quals(Plan* plan, int first, Lift& lifted, List*& below, List*& above) {
  int place = 0;
  ListCell* cell;
  foreach (cell, plan->qual) {
    auto* clause = static_cast<Node*>(lfirst(cell));
    if (place < first) {
      below = lappend(below, clause);
    } else {
      // A later clause must not decrypt what this one drops.
      lifted.shared_only = place > first;
      lifted.may_ahead = place == first;
      above = lappend(above, lift(clause, lifted));
    }
    ++place;
  }
  lifted.may_ahead = false;
  List* targets = NIL;
  foreach (cell, plan->targetlist) {
    TargetEntry* target = flat_copy(lfirst_node(TargetEntry, cell));
    target->expr = lift_target(target, lifted, true);
    targets = lappend(targets, target);
  }
  if (lifted.targets == NIL)
    append_target(lifted.targets, reinterpret_cast<Expr*>(makeNullConst(BOOLOID, -1, InvalidOid)));
  return targets;
}

}  // namespace

List* split_targets(List* targets, Lift& lifted) {
  ListCell* cell;
  foreach (cell, targets) {
    TargetEntry* below = flat_copy(lfirst_node(TargetEntry, cell));
    if (has_hoistable_call(reinterpret_cast<Node*>(below->expr)) || must_stay_above(below)) {
      below->expr = reinterpret_cast<Expr*>(makeNullConst(BOOLOID, -1, InvalidOid));
      lifted.vacant = lappend(lifted.vacant, below);
    }
    lifted.targets = lappend(lifted.targets, below);
  }
  List* above = NIL;
  foreach (cell, targets) {
    TargetEntry* target = flat_copy(lfirst_node(TargetEntry, cell));
    auto* expression = reinterpret_cast<Node*>(target->expr);
    if (has_hoistable_call(expression))
      target->expr = lift_target(target, lifted, false);
    else if (must_stay_above(target))
      target->expr = lift_target(target, lifted, true);
    else if (!IsA(expression, Const))  // ModifyTable wants to see the NULL of a dropped column
      target->expr = reinterpret_cast<Expr*>(make_var(INDEX_VAR, target->resno, expression));
    above = lappend(above, target);
  }
  return above;
}

Plan* split(Surgery& surgery, Plan* plan) {
  if (!may_split(plan)) return plan;
  int first = first_hoistable(plan->qual);
  if (first < 0 && !has_hoistable_target(plan->targetlist)) return plan;
  if (!is_worth_it(plan)) return plan;
  Lift lifted;
  List *targets, *below = NIL, *above = NIL;
  if (first < 0) {
    // What the filter does for one row must not be done before that row is wanted.
    if (is_bound_to_its_row(plan->qual) && !is_batch(plan)) return plan;
    below = plan->qual;
    targets = split_targets(plan->targetlist, lifted);
  } else {
    if (is_bound_to_its_row(list_copy_head(plan->qual, first)) && !is_batch(plan)) return plan;
    targets = split_quals(plan, first, lifted, below, above);
  }
  // A row that is too wide cannot be sorted: its calls are made one by one.
  if ((lifted.calls == NIL && lifted.ahead == NIL) || !fits_a_row(lifted)) return plan;
  plan->targetlist = lifted.targets;
  plan->qual = below;
  CustomScan* batch = make_batch(plan, lifted, targets, above, surgery.last_node_id);
  // Calls of calls' results, and calls behind the filter: one level more for each.
  return split(surgery, &batch->scan.plan);
}

}  // namespace nae::batch
