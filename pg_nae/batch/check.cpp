#include "pg_nae/batch/check.hpp"

#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/check_level.hpp"

namespace nae::batch {
namespace {

// See node_kinds/plans.def.
enum class RowSource : std::uint8_t {
  scanned,
  indexed,
  computed,
  handed_on,
  rowless,
  modified,
  provided,
  unknown,
};

RowSource row_source_of(const Plan* plan) {
  switch (nodeTag(plan)) {
#define NODE_KIND(name, source) \
  case T_##name:                \
    return RowSource::source;
#define NO_NODE_KIND(name)
#include "pg_nae/node_kinds/plans.def"
#undef NODE_KIND
#undef NO_NODE_KIND
    default:
      return RowSource::unknown;
  }
}

void check_targets(const Level& level) {
  if (list_length(level.plan->targetlist) > MaxTupleAttributeNumber)
    refuse(level, "a row has too many columns");
  int position = 0;
  ListCell* cell;
  foreach (cell, level.plan->targetlist)
    if (lfirst_node(TargetEntry, cell)->resno != ++position)
      refuse(level, "a column is not at its place");
}

// Emits the rows of `child`: its list only says so.
void check_handed_on(const Level& level, const Plan* child) {
  if (child == nullptr || list_length(child->targetlist) < list_length(level.plan->targetlist)) {
    refuse(level, "a column is handed on that the node below does not emit");
    return;
  }
  ListCell *cell, *below;
  forboth(cell, level.plan->targetlist, below, child->targetlist) {
    auto* target = lfirst_node(TargetEntry, cell);
    auto* expression = reinterpret_cast<Node*>(target->expr);
    auto* source = reinterpret_cast<Node*>(lfirst_node(TargetEntry, below)->expr);
    const auto* var = reinterpret_cast<const Var*>(expression);
    bool same = IsA(expression, Const) ||
                (IsA(expression, Var) && var->varno == OUTER_VAR && var->varattno == target->resno);
    if (!same) refuse(level, "a column is computed where rows are handed on");
    if (exprType(source) != exprType(expression))
      refuse(level, "a column is handed on as one of another type");
  }
}

struct Children {
  Level& level;
  Bitmapset* set;
};

void check_child_visitor(Plan** child, void* state) {
  auto& children = *static_cast<Children*>(state);
  Level& level = children.level;
  const Plan* plan = level.plan;
  Bitmapset* set = children.set;
  Bitmapset* here = level.set_here;
  if (IsA(plan, NestLoop) && *child == plan->righttree) {
    ListCell* cell;
    Bitmapset* passed = nullptr;
    foreach (cell, reinterpret_cast<const NestLoop*>(plan)->nestParams)
      passed = bms_add_member(passed, lfirst_node(NestLoopParam, cell)->paramno);
    set = bms_union(set, passed);
    here = bms_union(here, passed);
  }
  // A node whose input depends on a Param is run again with it.
  if ((*child)->extParam != nullptr &&
      !bms_is_subset(bms_difference((*child)->extParam, here), plan->allParam))
    refuse(level, "a node below reads a parameter that this one does not pass on");
  if (row_source_of(plan) == RowSource::handed_on) check_handed_on(level, *child);
  if (!is_refused(level)) check_plan(level.check, *child, set);
}

// What else the node below may depend on, and is set by the node itself.
Bitmapset* set_for_signals(const Plan* plan) {
  int parameter = -1;
  if (IsA(plan, ModifyTable)) parameter = reinterpret_cast<const ModifyTable*>(plan)->epqParam;
  if (IsA(plan, LockRows)) parameter = reinterpret_cast<const LockRows*>(plan)->epqParam;
  if (IsA(plan, RecursiveUnion)) parameter = reinterpret_cast<const RecursiveUnion*>(plan)->wtParam;
  if (IsA(plan, Gather)) parameter = reinterpret_cast<const Gather*>(plan)->rescan_param;
  if (IsA(plan, GatherMerge)) parameter = reinterpret_cast<const GatherMerge*>(plan)->rescan_param;
  return parameter < 0 ? nullptr : bms_make_singleton(parameter);
}

void set_rows(Level& level) {
  const Plan* plan = level.plan;
  switch (row_source_of(plan)) {
    case RowSource::scanned:
      level.relation = static_cast<int>(reinterpret_cast<const Scan*>(plan)->scanrelid);
      return;
    case RowSource::indexed:
      level.indexed = reinterpret_cast<const IndexOnlyScan*>(plan)->indextlist;
      return;
    case RowSource::computed:
      if (plan->lefttree != nullptr) level.outer = plan->lefttree->targetlist;
      if (plan->righttree != nullptr) level.inner = plan->righttree->targetlist;
      return;
    case RowSource::unknown:
      refuse(level, "the kind of a node is not known");
      return;
    default:
      return;
  }
}

bool evaluates_its_lists(const Plan* plan) {
  switch (row_source_of(plan)) {
    case RowSource::scanned:
    case RowSource::indexed:
    case RowSource::computed:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool refuse(const Level& level, const char* what) {
  PlanFault& fault = level.check.fault;
  if (fault.what == nullptr) fault = {what, level.plan == nullptr ? -1 : level.plan->plan_node_id};
  return true;
}

void check_plan(PlanCheck& check, const Plan* plan, Bitmapset* set) {
  check_stack_depth();
  Level level{.check = check, .plan = plan};
  set = set_by_initial_plans(plan, set);
  check_initial_plans(check, plan, set);
  Bitmapset* assigned = set_by_assignments(plan->targetlist);
  level.set = assigned == nullptr ? set : bms_union(set, assigned);
  level.set_here = bms_union(assigned, check.assigned);
  set_rows(level);
  check_targets(level);
  check_own(level, plan);
  if (evaluates_its_lists(plan)) {
    check_expression(level, plan->targetlist);
    check_expression(level, plan->qual);
  }
  if (is_refused(level)) return;
  level.set_here = bms_union(set_for_signals(plan), check.assigned);
  Children children{level, set};
  each_child(const_cast<Plan*>(plan), check_child_visitor, &children);
}

Bitmapset* set_by_assignments(const List* targets) {
  Bitmapset* result = nullptr;
  ListCell *cell, *parameter;
  foreach (cell, targets) {
    auto* expression = lfirst_node(TargetEntry, cell)->expr;
    if (!IsA(expression, SubPlan)) continue;
    auto* sub_plan = reinterpret_cast<SubPlan*>(expression);
    if (sub_plan->subLinkType != MULTIEXPR_SUBLINK) continue;
    foreach (parameter, sub_plan->setParam) result = bms_add_member(result, lfirst_int(parameter));
  }
  return result;
}

PlanFault find_fault(const PlannedStmt* statement) {
  const auto sub_plans = static_cast<std::size_t>(list_length(statement->subplans));
  PlanCheck check{
      .statement = statement,
      .parameter_count = list_length(statement->paramExecTypes),
      .fault = {nullptr, -1},
      .checked_with = nullptr,
      .checked = nullptr,
      .assigned = nullptr,
  };
  if (sub_plans > 0) {  // they are numbered from 1
    check.checked_with = static_cast<Bitmapset**>(palloc0(sizeof(Bitmapset*) * (sub_plans + 1)));
    check.checked = static_cast<bool*>(palloc0(sub_plans + 1));
  }
  check_plan(check, statement->planTree, nullptr);
  return check.fault;
}

}  // namespace nae::batch
