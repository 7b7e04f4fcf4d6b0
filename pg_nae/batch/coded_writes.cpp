// Codes of blind indexes: a trigger keeps them, a row at a time. Where ModifyTable gets its rows
// from a batch node, that node knows many rows ahead what is written, and asks for their codes.
#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/surgery.hpp"
#include "pg_nae/columns/coding.hpp"
#include "pg_nae/columns/column_type.hpp"

namespace nae::batch {
namespace {

// Of the rows below a modification and the columns that they are written to.
struct Write {
  int target;  // of the subplan's target list
  Oid table;
  AttrNumber column;
};

bool writes_columns(const ModifyTable* modification) {
  return modification->operation == CMD_INSERT || modification->operation == CMD_UPDATE;
}

// One row gains nothing: the trigger asks for as much.
bool is_one_row(const Plan* plan) {
  return IsA(plan, Result) && plan->lefttree == nullptr;
}

// The place among the targets of what is written to a column; 0: it is not written.
int target_for(const ModifyTable* modification, int relation, AttrNumber column) {
  if (modification->operation == CMD_INSERT) return column;
  int place = 0;
  ListCell* cell;
  foreach (cell, static_cast<List*>(list_nth(modification->updateColnosLists, relation))) {
    ++place;
    if (lfirst_int(cell) == column) return place;
  }
  return 0;
}

bool is_constant(const Plan* plan, int target) {
  return IsA(target_at(plan->targetlist, target)->expr, Const);
}

// Each column but once, of however many partitions.
List* coded_writes(const Surgery& surgery, const ModifyTable* modification) {
  List* writes = NIL;
  for (int i = 0; i < list_length(modification->resultRelations); ++i) {
    const auto* entry =
        rt_fetch(list_nth_int(modification->resultRelations, i), surgery.statement->rtable);
    Relation relation = table_open(entry->relid, NoLock);  // the planner's, which holds the lock
    if (columns::has_codings(relation)) {
      ListCell* cell;
      foreach (cell, columns::codings_of(relation)) {
        const AttrNumber column = static_cast<const columns::Coding*>(lfirst(cell))->column;
        const int target = target_for(modification, i, column);
        if (target == 0 || is_constant(modification->plan.lefttree, target)) continue;
        auto* write = static_cast<Write*>(palloc(sizeof(Write)));
        *write = {target, entry->relid, column};
        writes = lappend(writes, write);
      }
    }
    table_close(relation, NoLock);
  }
  return writes;
}

// A batch node that makes no call over a plan, or nullptr where the plan's rows must not be read
// ahead of what is done with them.
CustomScan* batch_over(Surgery& surgery, Plan* plan) {
  if (is_bound_to_its_row(reinterpret_cast<Node*>(plan->qual))) return nullptr;
  Lift lifted;
  lifted.may_ahead = false;
  List* above = NIL;
  if (is_bound_to_its_row(reinterpret_cast<Node*>(plan->targetlist))) {
    if (!is_projection_capable_plan(plan) || IsA(plan, CustomScan) ||
        contain_subplans(reinterpret_cast<Node*>(plan->targetlist)))
      return nullptr;
    above = split_targets(plan->targetlist, lifted);
    if (lifted.calls != NIL || !fits_a_row(lifted)) return nullptr;
    plan->targetlist = lifted.targets;
  } else {
    lifted.targets = plan->targetlist;
    above = list_copy(plan->targetlist);
    ListCell* cell;
    foreach (cell, above) {
      TargetEntry* target = flat_copy(lfirst_node(TargetEntry, cell));
      auto* expression = reinterpret_cast<Node*>(target->expr);
      if (!IsA(expression, Const))  // ModifyTable wants to see the NULL of a dropped column
        target->expr = reinterpret_cast<Expr*>(make_var(INDEX_VAR, target->resno, expression));
      lfirst(cell) = target;
    }
  }
  return make_batch(plan, lifted, above, NIL, surgery.last_node_id);
}

// The column of a batch node's rows that a target hands on; 0: it is computed of them.
int handed_on(const Plan* batch, int target) {
  const auto* var = reinterpret_cast<const Var*>(target_at(batch->targetlist, target)->expr);
  return IsA(var, Var) && var->varno == INDEX_VAR ? var->varattno : 0;
}

// Rows that a filter drops are not written.
bool hands_on_all(const Plan* plan, List* writes) {
  if (!is_batch(plan) || plan->qual != NIL) return false;
  ListCell* cell;
  foreach (cell, writes)
    if (handed_on(plan, static_cast<const Write*>(lfirst(cell))->target) == 0) return false;
  return true;
}

}  // namespace

void ask_codes_ahead(Surgery& surgery, ModifyTable* modification) {
  Plan*& below = modification->plan.lefttree;
  if (!writes_columns(modification) || is_one_row(below)) return;
  List* writes = coded_writes(surgery, modification);
  if (writes == NIL) return;
  if (!hands_on_all(below, writes)) {
    CustomScan* batch = batch_over(surgery, below);
    if (batch == nullptr) return;
    below = &batch->scan.plan;
  }
  ListCell* cell;
  foreach (cell, writes) {
    const auto* write = static_cast<const Write*>(lfirst(cell));
    const int column = handed_on(below, write->target);
    if (column != 0)
      add_coded_column(reinterpret_cast<CustomScan*>(below), {column, write->table, write->column});
  }
}

// Of the statement itself: a WITH that writes is looked at where something else is batched.
bool may_write_codes(const PlannedStmt* statement) {
  if (!IsA(statement->planTree, ModifyTable) || !columns::has_column_types()) return false;
  const auto* modification = reinterpret_cast<const ModifyTable*>(statement->planTree);
  if (!writes_columns(modification) || is_one_row(modification->plan.lefttree)) return false;
  ListCell* cell;
  foreach (cell, modification->resultRelations) {
    Relation relation = table_open(rt_fetch(lfirst_int(cell), statement->rtable)->relid, NoLock);
    const bool found = columns::has_codings(relation);
    table_close(relation, NoLock);
    if (found) return true;
  }
  return false;
}

}  // namespace nae::batch
