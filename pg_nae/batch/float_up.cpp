// Float up: above Limit no row is decrypted that is not wanted, and a bounded sort stays next to
// its bound; above Sort no plaintext is sorted or spilled; above LockRows no row is decrypted that
// turns out not to qualify.
#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/surgery.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::batch {
namespace {

bool passes_through(const Plan* batch, int column) {
  if (pg::is_planted("sorted below its key")) return true;
  auto* expression = target_at(batch->targetlist, column)->expr;
  return IsA(expression, Var) && reinterpret_cast<Var*>(expression)->varattno == column;
}

bool pass_through(const Plan* batch, int count, const AttrNumber* columns) {
  for (int i = 0; i < count; ++i)
    if (!passes_through(batch, columns[i])) return false;
  return true;
}

bool floats_over(const Plan* plan, const Plan* batch) {
  switch (nodeTag(plan)) {
    case T_LockRows:
      return true;
    case T_Limit: {
      auto* limit = reinterpret_cast<const Limit*>(plan);  // WITH TIES compares columns
      return pass_through(batch, limit->uniqNumCols, limit->uniqColIdx);
    }
    case T_Sort:
    case T_IncrementalSort: {
      auto* sort = reinterpret_cast<const Sort*>(plan);
      return pass_through(batch, sort->numCols, sort->sortColIdx);
    }
    default:
      return false;
  }
}

}  // namespace

Plan* float_up(Plan* plan) {
  Plan* batch = plan->lefttree;
  if (!is_batch(batch) || batch->qual != NIL || !floats_over(plan, batch)) return plan;
  Plan* below = batch->lefttree;
  plan->lefttree = below;
  plan->targetlist = passed_on(below);
  batch->lefttree = plan;
  batch->startup_cost = plan->startup_cost;
  batch->total_cost = plan->total_cost;
  batch->plan_rows = plan->plan_rows;
  batch->initPlan = list_concat(batch->initPlan, plan->initPlan);
  plan->initPlan = NIL;
  batch->extParam = bms_union(batch->extParam, plan->extParam);
  batch->allParam = bms_union(batch->allParam, plan->allParam);
  return batch;
}

}  // namespace nae::batch
