// RETURNING: its lists are evaluated inside ModifyTable, row by row. What their calls need is
// returned in their place, and a batch node above makes the calls.
#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/surgery.hpp"

namespace nae::batch {
namespace {

// One list, as split: what ModifyTable returns, and what the batch node makes of it.
struct Divided {
  Lift lifted;
  List* above = NIL;
};

bool is_same_call(const FuncExpr* a, const Lift& of_a, const FuncExpr* b, const Lift& of_b) {
  if (a->funcid != b->funcid || list_length(a->args) != list_length(b->args)) return false;
  ListCell *cell_a, *cell_b;
  forboth(cell_a, a->args, cell_b, b->args) {
    auto* x = static_cast<Node*>(lfirst(cell_a));
    auto* y = static_cast<Node*>(lfirst(cell_b));
    if (IsA(x, Const) != IsA(y, Const)) return false;
    bool same =
        IsA(x, Const) ? equal(x, y) : position_of_target(of_a, x) == position_of_target(of_b, y);
    if (!same) return false;
  }
  return true;
}

// Each partition has a list with columns of its own; one node above serves all when they divide
// alike.
bool is_alike(const Divided& a, const Divided& b) {
  if (list_length(a.lifted.targets) != list_length(b.lifted.targets) ||
      list_length(a.lifted.calls) != list_length(b.lifted.calls) || !equal(a.above, b.above))
    return false;
  ListCell *cell_a, *cell_b;
  forboth(cell_a, a.lifted.calls, cell_b, b.lifted.calls) {
    if (!is_same_call(lfirst_node(FuncExpr, cell_a), a.lifted, lfirst_node(FuncExpr, cell_b),
                      b.lifted))
      return false;
  }
  return true;
}

}  // namespace

Plan* raise_returning(Surgery& surgery, ModifyTable* modification) {
  List* lists = modification->returningLists;
  if (lists == NIL || !has_hoistable_call(static_cast<Node*>(linitial(lists))))
    return &modification->plan;
  // What has side effects is done with its row, before the next one is changed.
  if (is_bound_to_its_row(lists)) return &modification->plan;
  Divided first;
  List* returned = NIL;
  ListCell* cell;
  foreach (cell, lists) {
    Divided divided;
    divided.lifted.may_ahead = false;
    divided.above = split_targets(static_cast<List*>(lfirst(cell)), divided.lifted);
    if (returned == NIL) first = divided;
    if (!is_alike(first, divided) || !fits_a_row(divided.lifted)) return &modification->plan;
    returned = lappend(returned, divided.lifted.targets);
  }
  modification->returningLists = returned;
  modification->plan.targetlist = copy_of(first.lifted.targets);
  CustomScan* batch =
      make_batch(&modification->plan, first.lifted, first.above, NIL, surgery.last_node_id);
  // Calls of calls' results.
  return split(surgery, &batch->scan.plan);
}

}  // namespace nae::batch
