// Checks of sub-plans: what they are given, what they set, and the plans that they run.
#include "pg_nae/batch/check_level.hpp"

namespace nae::batch {
namespace {

const Plan* plan_of(const Level& level, const SubPlan* sub_plan) {
  int number = sub_plan->plan_id;
  const List* plans = level.check.statement->subplans;
  if (number >= 1 && number <= list_length(plans))
    if (auto* plan = static_cast<Plan*>(list_nth(plans, number - 1))) return plan;
  refuse(level, "a sub-select has no plan");
  return nullptr;
}

Bitmapset* with_members(const Bitmapset* set, const List* numbers) {
  Bitmapset* result = bms_copy(set);
  ListCell* cell;
  foreach (cell, numbers) result = bms_add_member(result, lfirst_int(cell));
  return result;
}

// Runs with the arguments set, and with what is set around it.
void check_plan_of(const Level& level, const SubPlan* sub_plan, const Plan* plan) {
  Bitmapset* set = with_members(level.set, sub_plan->parParam);
  int number = sub_plan->plan_id;
  PlanCheck& check = level.check;
  if (check.checked[number] && bms_is_subset(check.checked_with[number], set)) return;
  check.checked[number] = true;
  check.checked_with[number] = set;
  check_plan(check, plan, set);
}

bool is_parameter_of(const Level& level, int parameter, Oid type) {
  return parameter >= 0 && parameter < level.check.parameter_count &&
         list_nth_oid(level.check.statement->paramExecTypes, parameter) == type;
}

void check_arguments_of(const Level& level, const SubPlan* sub_plan) {
  if (list_length(sub_plan->args) != list_length(sub_plan->parParam)) {
    refuse(level, "a sub-select is given another number of arguments");
    return;
  }
  ListCell *parameter, *argument;
  forboth(parameter, sub_plan->parParam, argument, sub_plan->args) {
    Oid type = exprType(static_cast<Node*>(lfirst(argument)));
    if (!is_parameter_of(level, lfirst_int(parameter), type))
      refuse(level, "a sub-select is given an argument of another type");
  }
  check_expression(level, sub_plan->args);
}

// Parameters that take the columns of the plan's rows, one each.
void check_columns_set(const Level& level, const List* parameters, const Plan* plan) {
  int column = 0;
  ListCell* cell;
  foreach (cell, parameters) {
    if (++column > list_length(plan->targetlist)) {
      refuse(level, "a sub-select has fewer columns than are read of it");
      return;
    }
    auto* expression = reinterpret_cast<Node*>(target_at(plan->targetlist, column)->expr);
    if (!is_parameter_of(level, lfirst_int(cell), exprType(expression)))
      refuse(level, "a sub-select has a column of another type");
  }
}

void check_result(const Level& level, const SubPlan* sub_plan, const Plan* plan) {
  switch (sub_plan->subLinkType) {
    case EXISTS_SUBLINK:
    case CTE_SUBLINK:
      return;
    case EXPR_SUBLINK:
    case ARRAY_SUBLINK: {
      auto* first =
          plan->targetlist == NIL
              ? nullptr
              : reinterpret_cast<Node*>(linitial_node(TargetEntry, plan->targetlist)->expr);
      if (first == nullptr || exprType(first) != sub_plan->firstColType)
        refuse(level, "a sub-select has a value of another type");
      return;
    }
    default:
      check_columns_set(level, sub_plan->paramIds, plan);
  }
}

}  // namespace

void check_sub_plan(const Level& level, const SubPlan* sub_plan) {
  const Plan* plan = plan_of(level, sub_plan);
  if (plan == nullptr) return;
  check_arguments_of(level, sub_plan);
  check_result(level, sub_plan, plan);
  Bitmapset* given = with_members(nullptr, sub_plan->parParam);
  if (level.signals && plan->extParam != nullptr &&
      !bms_is_subset(bms_difference(plan->extParam, given),
                     bms_union(level.plan->allParam, level.set_here)))
    refuse(level, "a sub-select reads a parameter whose changes are not signalled");
  if (sub_plan->testexpr != nullptr) {
    // What it is compared with reads its columns, and nothing else may.
    Level within = level;
    within.set = with_members(level.set, sub_plan->paramIds);
    within.set_here = with_members(level.set_here, sub_plan->paramIds);
    check_expression(within, sub_plan->testexpr);
  }
  if (!is_refused(level)) check_plan_of(level, sub_plan, plan);
}

Bitmapset* set_by_initial_plans(const Plan* plan, Bitmapset* set) {
  Bitmapset* result = set;
  ListCell* cell;
  foreach (cell, plan->initPlan)
    result = with_members(result, lfirst_node(SubPlan, cell)->setParam);
  return result;
}

void check_initial_plans(PlanCheck& check, const Plan* plan, Bitmapset* set) {
  ListCell* cell;
  foreach (cell, plan->initPlan) {
    auto* sub_plan = lfirst_node(SubPlan, cell);
    Level level{.check = check, .plan = plan, .set = set, .signals = false};
    const Plan* run = plan_of(level, sub_plan);
    if (run == nullptr) return;
    if (sub_plan->subLinkType == MULTIEXPR_SUBLINK)
      check.assigned = with_members(check.assigned, sub_plan->setParam);
    if (sub_plan->args != NIL) refuse(level, "a sub-select that runs once is given arguments");
    if (sub_plan->subLinkType == EXPR_SUBLINK) check_columns_set(level, sub_plan->setParam, run);
    check_result(level, sub_plan, run);
    if (!is_refused(level)) check_plan_of(level, sub_plan, run);
  }
}

}  // namespace nae::batch
