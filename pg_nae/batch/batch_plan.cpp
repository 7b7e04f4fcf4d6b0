#include "pg_nae/batch/batch_plan.hpp"

#include <algorithm>

#include "pg_nae/batch/display.hpp"
#include "pg_nae/batch/node.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::batch {
namespace {

// Position of `argument` among what the child emits.
int column_of(const Plan* child, const Node* argument) {
  ListCell* cell;
  foreach (cell, child->targetlist) {
    auto* target = lfirst_node(TargetEntry, cell);
    if (equal(target->expr, argument)) return target->resno;
  }
  elog(ERROR, "argument of a batched call is not in the target list below it");
}

bool is_uniform(FuncExpr* call) {
  auto* node = reinterpret_cast<Node*>(call);
  return !depends_on_row(node) && !contain_volatile_functions(node);
}

// Replaces the arguments by the columns they come in, so that EXPLAIN finds their expressions.
constexpr int kFirstShape = 2;  // of custom_private
constexpr int kUniform = 1;
constexpr int kAhead = 2;

List* shape_of(FuncExpr* call, const Plan* child, bool ahead) {
  List* shape = list_make1_int((is_uniform(call) ? kUniform : 0) | (ahead ? kAhead : 0));
  ListCell* cell;
  foreach (cell, call->args) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    int column = IsA(argument, Const) ? 0 : column_of(child, argument);
    shape = lappend_int(shape, column);
    if (column != 0) lfirst(cell) = make_var(OUTER_VAR, column, argument);
  }
  return shape;
}

void estimate(Plan& plan, const Plan& child) {
  plan.startup_cost = child.startup_cost;
  plan.total_cost = child.total_cost;
  plan.plan_rows = child.plan_rows;
  plan.plan_width = child.plan_width;
}

// What the executor must know of parameters below is asked of the topmost node.
void take_parameters(Plan& plan, Plan& child) {
  plan.initPlan = child.initPlan;
  child.initPlan = NIL;
  plan.extParam = bms_copy(child.extParam);
  plan.allParam = bms_copy(child.allParam);
}

bool reads_exactly(Plan* plan);

void reads_exactly_visitor(Plan** child, void* found) {
  bool& result = *static_cast<bool*>(found);
  result = result || reads_exactly(*child);
}

bool reads_exactly(Plan* plan) {
  bool found = IsA(plan, LockRows) || IsA(plan, ModifyTable);
  if (!found) each_child(plan, reads_exactly_visitor, &found);
  return found;
}

struct Completion {
  const Plan* parent;
  bool again;
};

// A nested loop runs its inner side for each row of the outer one. What keeps its rows does not run
// what is below again, unless a parameter of that changes.
bool is_run_again(const Plan* parent, const Plan* child, bool again) {
  switch (nodeTag(parent)) {
    case T_NestLoop:
      return again || child == parent->righttree;
    case T_Material:
    case T_Sort:
    case T_Hash:
      return again && !bms_is_empty(child->extParam);
    default:
      return again;
  }
}

void complete_visitor(Plan** child, void* state) {
  const auto& completion = *static_cast<Completion*>(state);
  complete(*child, is_run_again(completion.parent, *child, completion.again));
}

void mark_exact(CustomScan* batch) {
  linitial_int(static_cast<List*>(linitial(batch->custom_private))) = 1;
}

void mark_repeating(CustomScan* batch) {
  lsecond_int(static_cast<List*>(linitial(batch->custom_private))) = 1;
}

// More pairs than this, for each row of one side, have the values of that side again and again.
constexpr double kManyPairs = 1.5;

bool has_many_pairs(const Plan* plan) {
  if (is_batch(plan)) return has_many_pairs(plan->lefttree);
  if (IsA(plan, NestLoop))  // which looks at all pairs, unless it looks for those of each row
    return reinterpret_cast<const NestLoop*>(plan)->nestParams == NIL ||
           plan->plan_rows > plan->lefttree->plan_rows * kManyPairs;
  if (!IsA(plan, HashJoin) && !IsA(plan, MergeJoin)) return false;
  return plan->plan_rows >
         std::min(plan->lefttree->plan_rows, plan->righttree->plan_rows) * kManyPairs;
}

void show_no_values(CustomScan* batch) {
  Plan& plan = batch->scan.plan;
  lsecond(batch->custom_exprs) = plan.qual;
  plan.qual = shown_filter(plan.qual);
  int column = list_length(plan.lefttree->targetlist);
  ListCell* cell;
  foreach (cell, calls_of(batch))
    target_at(batch->custom_scan_tlist, ++column)->expr =
        shown_call(lfirst_node(FuncExpr, cell), plan.lefttree);
}

}  // namespace

List* coded_columns_of(const CustomScan* batch) {
  return static_cast<List*>(lsecond(batch->custom_private));
}

CodedColumn coded_column(const List* coded_columns, int number) {
  const auto* coded = static_cast<const List*>(list_nth(coded_columns, number));
  return {linitial_int(coded), static_cast<Oid>(lsecond_int(coded)),
          static_cast<AttrNumber>(lthird_int(coded))};
}

void add_coded_column(CustomScan* batch, const CodedColumn& coded) {
  List* added = list_make3_int(coded.column, static_cast<int>(coded.table), coded.written);
  lsecond(batch->custom_private) = lappend(coded_columns_of(batch), added);
}

CallShape call_shape(const CustomScan* batch, int call) {
  auto* shape = static_cast<List*>(list_nth(batch->custom_private, call + kFirstShape));
  CallShape result{};
  result.uniform = (linitial_int(shape) & kUniform) != 0;
  result.ahead = (linitial_int(shape) & kAhead) != 0;
  result.argument_count = list_length(shape) - 1;
  for (int i = 0; i < result.argument_count; ++i) result.columns[i] = list_nth_int(shape, i + 1);
  return result;
}

bool is_exact(const CustomScan* batch) {
  return linitial_int(static_cast<List*>(linitial(batch->custom_private))) != 0;
}

bool repeats_values(const CustomScan* batch) {
  return lsecond_int(static_cast<List*>(linitial(batch->custom_private))) != 0;
}

List* calls_of(const CustomScan* batch) {
  return static_cast<List*>(linitial(batch->custom_exprs));
}

List* filter_of(const CustomScan* batch) {
  return static_cast<List*>(lsecond(batch->custom_exprs));
}

bool is_batch(const Plan* plan) {
  return plan != nullptr && IsA(plan, CustomScan) &&
         reinterpret_cast<const CustomScan*>(plan)->methods == &batch_scan_methods;
}

CustomScan* make_batch(Plan* child, const Lift& lifted, List* targets, List* quals,
                       int& last_node_id) {
  CustomScan* batch = makeNode(CustomScan);
  Plan& plan = batch->scan.plan;
  int child_columns = list_length(child->targetlist);
  if (pg::is_planted("argument for result")) --child_columns;
  number_calls(reinterpret_cast<Node*>(targets), child_columns);
  number_calls(reinterpret_cast<Node*>(quals), child_columns);
  batch->methods = &batch_scan_methods;
#if PG_VERSION_NUM >= 150000
  batch->flags = CUSTOMPATH_SUPPORT_PROJECTION;
#endif
  batch->custom_scan_tlist = passed_on(child);
  batch->custom_private = list_make2(list_make2_int(0, 0), NIL);
  List* calls = NIL;
  ListCell* cell;
  foreach (cell, list_concat_copy(lifted.calls, lifted.ahead)) {
    auto* call = copy_of(lfirst_node(FuncExpr, cell));
    const bool ahead = list_length(calls) >= list_length(lifted.calls);
    batch->custom_private = lappend(batch->custom_private, shape_of(call, child, ahead));
    calls = lappend(calls, call);
    append_target(batch->custom_scan_tlist, reinterpret_cast<Expr*>(call));
  }
  batch->custom_exprs = list_make2(calls, NIL);
  plan.targetlist = targets;
  plan.qual = quals;
  plan.lefttree = child;
  estimate(plan, *child);
  plan.plan_node_id = ++last_node_id;
  take_parameters(plan, *child);
#ifdef NAE_BATCH_FUZZ
  plan.parallel_safe = child->parallel_safe;
#endif
  // Who waits for several children at once must not take this node for one that can be waited for.
  child->async_capable = false;
  return batch;
}

void complete(Plan* plan, bool again) {
  Completion completion{plan, again};
  each_child(plan, complete_visitor, &completion);
  if (is_batch(plan)) {
    auto* batch = reinterpret_cast<CustomScan*>(plan);
    if (reads_exactly(plan->lefttree)) mark_exact(batch);
    if (again || has_many_pairs(plan->lefttree)) mark_repeating(batch);
    show_no_values(batch);
  }
}

}  // namespace nae::batch
