// The inner side of a nested loop is run for each row of the outer one, and finds few rows each
// time: a filter there that decrypts would ask for these few. It goes above the join, where it is
// asked for many; the same rows reach it.
#include "pg_nae/batch/add_column.hpp"
#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/surgery.hpp"

namespace nae::batch {
namespace {

// A filter on its way from a scan to the join above it.
struct Move {
  List* targets;           // of the scan, which columns are added to
  const List* parameters;  // NestLoopParam
  bool possible = true;
};

Node* value_passed_as(const Param* parameter, const List* passed) {
  ListCell* cell;
  foreach (cell, passed) {
    auto* one = lfirst_node(NestLoopParam, cell);
    if (parameter->paramkind == PARAM_EXEC && one->paramno == parameter->paramid)
      return reinterpret_cast<Node*>(one->paramval);
  }
  return nullptr;
}

int column_of(Move& move, Var* var) {
  ListCell* cell;
  foreach (cell, move.targets) {
    auto* target = lfirst_node(TargetEntry, cell);
    if (equal(target->expr, var)) return target->resno;
  }
  return append_target(move.targets, copy_of(reinterpret_cast<Expr*>(var)))->resno;
}

// As the join sees it: columns of the scan are those of its inner input, and what is passed to the
// scan is a column of the outer one.
Node* move_mutator(Node* node, void* state) {
  if (node == nullptr) return nullptr;
  auto& move = *static_cast<Move*>(state);
  if (IsA(node, Var))
    return reinterpret_cast<Node*>(
        make_var(INNER_VAR, column_of(move, reinterpret_cast<Var*>(node)), node));
  if (IsA(node, Param))
    if (Node* passed = value_passed_as(reinterpret_cast<Param*>(node), move.parameters))
      return copy_of(passed);
  if (IsA(node, SubPlan)) move.possible = false;  // which may be given the loop's parameters
  return mutate_columns(node, move_mutator, state);
}

bool is_scan_of_rows(const Plan* plan) {
  return IsA(plan, IndexScan) || IsA(plan, BitmapHeapScan) || IsA(plan, SeqScan);
}

// A security barrier's condition must not come after one of the query's own, which the join has.
bool may_take_a_filter(const NestLoop* loop) {
  return loop->join.jointype == JOIN_INNER && loop->nestParams != NIL &&
         loop->join.joinqual == NIL && loop->join.plan.qual == NIL;
}

}  // namespace

void raise_inner_filter(NestLoop* loop) {
  if (!may_take_a_filter(loop)) return;
  Plan* inner = loop->join.plan.righttree;
  Memoize* cache = IsA(inner, Memoize) ? reinterpret_cast<Memoize*>(inner) : nullptr;
  Plan* scan = cache != nullptr ? inner->lefttree : inner;
  if (!is_scan_of_rows(scan) ||
      (cache != nullptr && list_length(inner->targetlist) != list_length(scan->targetlist)))
    return;
  int first = first_hoistable(scan->qual);
  if (first < 0 || is_bound_to_its_row(scan->qual)) return;
  Move move{.targets = list_copy(scan->targetlist), .parameters = loop->nestParams};
  auto* moved = reinterpret_cast<List*>(
      move_mutator(reinterpret_cast<Node*>(list_copy_tail(scan->qual, first)), &move));
  if (!move.possible || list_length(move.targets) > MaxTupleAttributeNumber) return;
  scan->targetlist = move.targets;
  scan->qual = list_truncate(list_copy(scan->qual), first);
  if (cache != nullptr) hand_on(inner);
  // Of rows that the filter tells apart more than one may pass what is left.
  if (cache != nullptr) cache->singlerow = false;
  loop->join.inner_unique = false;
  loop->join.plan.qual = moved;
}

}  // namespace nae::batch
