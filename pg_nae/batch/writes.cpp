#include "pg_nae/batch/writes.hpp"

namespace nae::batch {
namespace {

// The same targets over a batch node's rows.
List* handed_on(const List* targets) {
  List* above = NIL;
  ListCell* cell;
  foreach (cell, targets) {
    TargetEntry* target = flat_copy(lfirst_node(TargetEntry, cell));
    auto* expression = reinterpret_cast<Node*>(target->expr);
    if (!IsA(expression, Const))  // ModifyTable wants to see the NULL of a dropped column
      target->expr = reinterpret_cast<Expr*>(make_var(INDEX_VAR, target->resno, expression));
    above = lappend(above, target);
  }
  return above;
}

// Whether the arguments of all calls are among the targets.
bool are_served(const List* calls, const Lift& lifted) {
  ListCell *cell, *argument;
  foreach (cell, calls)
    foreach (argument, lfirst_node(FuncExpr, cell)->args)
      if (!IsA(lfirst(argument), Const) &&
          position_of_target(lifted, static_cast<Node*>(lfirst(argument))) == 0)
        return false;
  return true;
}

}  // namespace

bool writes_rows(const ModifyTable* modification) {
  const Plan* below = modification->plan.lefttree;
  return (modification->operation == CMD_INSERT || modification->operation == CMD_UPDATE) &&
         bms_is_empty(modification->fdwDirectModifyPlans) &&
         !(IsA(below, Result) && below->lefttree == nullptr);
}

int target_for(const ModifyTable* modification, int relation, AttrNumber column) {
  int place = column;
  if (modification->operation == CMD_UPDATE) {
    const auto* columns =
        static_cast<const List*>(list_nth(modification->updateColnosLists, relation));
    place = 0;
    for (int i = 0; i < list_length(columns) && place == 0; ++i)
      if (list_nth_int(columns, i) == column) place = i + 1;
    if (place == 0) return 0;
  }
  return IsA(target_at(modification->plan.lefttree->targetlist, place)->expr, Const) ? 0 : place;
}

CustomScan* batch_over(Surgery& surgery, Plan* plan, List* ahead) {
  if (is_bound_to_its_row(plan->qual)) return nullptr;
  Lift lifted;
  List* above = NIL;
  if (is_bound_to_its_row(plan->targetlist)) {
    if (!is_projection_capable_plan(plan) || IsA(plan, CustomScan) ||
        contain_subplans(reinterpret_cast<Node*>(plan->targetlist)))
      return nullptr;
    lifted.may_ahead = false;
    above = split_targets(plan->targetlist, lifted);
    if (lifted.calls != NIL || !fits_a_row(lifted)) return nullptr;
  } else {
    lifted.targets = plan->targetlist;
    above = handed_on(plan->targetlist);
  }
  if (!are_served(ahead, lifted)) return nullptr;
  lifted.ahead = ahead;
  plan->targetlist = lifted.targets;
  return make_batch(plan, lifted, above, NIL, surgery.last_node_id);
}

Relation open_written(const PlannedStmt* statement, const ModifyTable* modification, int place) {
  const auto* entry =
      rt_fetch(list_nth_int(modification->resultRelations, place), statement->rtable);
  return table_open(entry->relid, NoLock);
}

}  // namespace nae::batch
