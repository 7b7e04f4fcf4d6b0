#include "pg_nae/batch/planner.hpp"

#include <algorithm>

#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/batchable.hpp"
#include "pg_nae/batch/check.hpp"
#include "pg_nae/batch/node.hpp"
#include "pg_nae/batch/surgery.hpp"
#include "pg_nae/pg/plant.hpp"
#include "pg_nae/pg/settings.hpp"
#ifdef NAE_BATCH_FUZZ
#include "pg_nae/batch/fuzz.hpp"
#endif

namespace nae::batch {
namespace {

void largest_id_visitor(Plan** child, void* state) {
  int& largest = *static_cast<int*>(state);
  largest = std::max(largest, (*child)->plan_node_id);
  each_child(*child, largest_id_visitor, state);
}

int largest_node_id(PlannedStmt* statement) {
  int largest = 0;
  largest_id_visitor(&statement->planTree, &largest);
  ListCell* cell;
  foreach (cell, statement->subplans) {
    auto* plan = static_cast<Plan*>(lfirst(cell));
    if (plan != nullptr) largest_id_visitor(&plan, &largest);
  }
  return largest;
}

Plan* operate(Surgery& surgery, Plan* plan, bool may_float = true);

void operate_visitor(Plan** child, void* surgery) {
  *child = operate(*static_cast<Surgery*>(surgery), *child);
}

// A merge join goes back to a mark in its inner input, which a sort can do and a batch cannot.
void operate_below_merge(Surgery& surgery, MergeJoin* join) {
  Plan& plan = join->join.plan;
  plan.lefttree = operate(surgery, plan.lefttree);
  plan.righttree = operate(surgery, plan.righttree, false);
  if (is_batch(plan.righttree)) plan.righttree = materialized(surgery, plan.righttree);
}

Plan* operate(Surgery& surgery, Plan* plan, bool may_float) {
  if (IsA(plan, CustomScan) && !is_batch(plan)) return plan;  // another extension's: not ours
  if (IsA(plan, NestLoop)) raise_inner_filter(reinterpret_cast<NestLoop*>(plan));
  if (IsA(plan, MergeJoin))
    operate_below_merge(surgery, reinterpret_cast<MergeJoin*>(plan));
  else
    each_child(plan, operate_visitor, &surgery);
  if (may_float)
    if (Plan* batch = float_up(plan); batch != plan) return batch;
  arrange_join(surgery, plan);
  if (IsA(plan, Agg)) pull_down(surgery, reinterpret_cast<Agg*>(plan));
  if (IsA(plan, ModifyTable)) {
    auto* modification = reinterpret_cast<ModifyTable*>(plan);
    ask_conditions_ahead(surgery, modification);
    ask_codes_ahead(surgery, modification);
    return raise_returning(surgery, modification);
  }
  if (IsA(plan, ValuesScan)) raise_from_values(surgery, reinterpret_cast<ValuesScan*>(plan));
  return split(surgery, plan);
}

bool concerns_us(const PlannedStmt* statement) {
  if (statement->commandType == CMD_UTILITY) return false;
#ifdef NAE_BATCH_FUZZ
  if (fuzzing()) return true;
#endif
  return pg::settings.batch && (may_mention_batchable(statement) || may_ask_for_writes(statement));
}

// The plan as PostgreSQL made it is kept: it runs when the other turns out wrong.
PlannedStmt* copy_to_operate_on(const PlannedStmt* statement) {
  PlannedStmt* copy = flat_copy(statement);
  copy->planTree = copy_of(statement->planTree);
  copy->subplans = copy_of(statement->subplans);
  copy->rtable = list_copy(statement->rtable);
  return copy;
}

// False when nothing was batched.
bool operate_on(PlannedStmt* statement, int cursor_options) {
  const int last_node_id = largest_node_id(statement);
  Surgery surgery{statement, last_node_id};
  ListCell* cell;
  foreach (cell, statement->subplans) {
    auto* plan = static_cast<Plan*>(lfirst(cell));
    if (plan != nullptr) lfirst(cell) = operate(surgery, plan);
  }
  statement->planTree = operate(surgery, statement->planTree);
  bool scrolls = (cursor_options & CURSOR_OPT_SCROLL) != 0;
  if (scrolls && !ExecSupportsBackwardScan(statement->planTree))
    statement->planTree = materialized(surgery, statement->planTree);
  complete(statement->planTree, false);
  foreach (cell, statement->subplans) {
    auto* plan = static_cast<Plan*>(lfirst(cell));
    if (plan != nullptr) complete(plan, !bms_is_empty(plan->extParam));
  }
  return surgery.last_node_id != last_node_id;
}

// A fault of ours: it costs time, not the statement. No word of the statement goes to the log.
void report(const PlanFault& fault) {
  if (pg::check_is_fatal())
    elog(ERROR, "batched plan refused: %s (node %d)", fault.what, fault.node_id);
  if (count_refused_plan() == 1)
    ereport(LOG, errmsg("batched plan refused: %s (node %d)", fault.what, fault.node_id),
            errdetail("The statement runs without batches; nae_stat_batch counts such plans."),
            errhint("Please report this, with the plan that EXPLAIN shows."), errhidestmt(true));
}

PlannedStmt* with_batches(PlannedStmt* statement, int cursor_options) {
  PlannedStmt* operated = pg::is_planted("no copy") ? statement : copy_to_operate_on(statement);
  if (!operate_on(operated, cursor_options)) {
    learn_mentioned(statement);
    return statement;
  }
  if (pg::is_planted("no check")) return operated;  // to measure what it costs
  PlanFault fault = find_fault(operated);
  if (fault.what == nullptr) return operated;
  report(fault);
  return statement;
}

PlannedStmt* plan_with_batches(NAE_PLAN_PARAMETERS) {
  PlannedStmt* statement = plan_hook.next(NAE_PLAN_ARGUMENTS);
  return concerns_us(statement) ? with_batches(statement, cursor_options) : statement;
}

}  // namespace

pg::Hook<planner_hook_type> plan_hook{plan_with_batches, standard_planner};

Plan* materialized(Surgery& surgery, Plan* plan) {
  Plan* material = materialize_finished_plan(plan);
  material->targetlist = passed_on(plan);
  material->plan_node_id = ++surgery.last_node_id;
  return material;
}

}  // namespace nae::batch
