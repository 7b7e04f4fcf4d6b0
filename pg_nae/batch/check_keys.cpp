// Checks of columns that rows are sorted, grouped and compared by.
#include "pg_nae/batch/check_kinds.hpp"
#include "pg_nae/columns/declared.hpp"

namespace nae::batch {

bool takes_operand(Oid operation, Oid type, bool right) {
  const columns::DeclaredOperator* declared = columns::declared_operator(operation);
  if (declared == nullptr) return false;
  const Oid wanted = right ? declared->right : declared->left;
  return type == wanted || IsBinaryCoercible(type, wanted);
}

void check_keys(const Level& level, const List* targets, int count, const AttrNumber* columns,
                const Oid* operators) {
  for (int i = 0; i < count; ++i) {
    if (columns[i] < 1 || columns[i] > list_length(targets)) {
      refuse(level, "rows are sorted or grouped by a column that is not there");
      return;
    }
    auto* key = reinterpret_cast<Node*>(target_at(targets, columns[i])->expr);
    if (!takes_operand(operators[i], exprType(key)))
      refuse(level, "rows are sorted or grouped by a column of another type");
  }
}

void check_kind(Level& level, const Sort& sort) {
  check_keys(level, targets_below(sort.plan), sort.numCols, sort.sortColIdx, sort.sortOperators);
}

void check_kind(Level& level, const IncrementalSort& sort) {
  check_kind(level, sort.sort);
}

void check_kind(Level& level, const MergeAppend& append) {
  check_keys(level, append.plan.targetlist, append.numCols, append.sortColIdx,
             append.sortOperators);
}

void check_kind(Level& level, const GatherMerge& gather) {
  check_keys(level, targets_below(gather.plan), gather.numCols, gather.sortColIdx,
             gather.sortOperators);
}

void check_kind(Level& level, const Group& group) {
  check_keys(level, targets_below(group.plan), group.numCols, group.grpColIdx, group.grpOperators);
}

void check_kind(Level& level, const Agg& aggregation) {
  check_keys(level, targets_below(aggregation.plan), aggregation.numCols, aggregation.grpColIdx,
             aggregation.grpOperators);
  // Grouping sets: each has its sort and its columns, of the same rows.
  ListCell* cell;
  foreach (cell, aggregation.chain) {
    auto* set = lfirst_node(Agg, cell);
    check_keys(level, targets_below(aggregation.plan), set->numCols, set->grpColIdx,
               set->grpOperators);
    if (set->plan.lefttree == nullptr) continue;
    auto* sort = castNode(Sort, set->plan.lefttree);
    check_keys(level, targets_below(aggregation.plan), sort->numCols, sort->sortColIdx,
               sort->sortOperators);
  }
}

namespace {

// Over the row that the node emits itself, whatever relation the columns name.
bool run_condition_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  if (!IsA(node, Var)) return pg::walk_children(node, run_condition_walker, state);
  const auto& level = *static_cast<const Level*>(state);
  const auto* var = reinterpret_cast<const Var*>(node);
  const List* targets = level.plan->targetlist;
  if (var->varattno < 1 || var->varattno > list_length(targets))
    return refuse(level, "a run of a window ends by a column that is not there");
  auto* emitted = reinterpret_cast<Node*>(target_at(targets, var->varattno)->expr);
  if (!IsA(emitted, WindowFunc) || exprType(emitted) != var->vartype)
    return refuse(level, "a run of a window ends by something else than a window function");
  return false;
}

}  // namespace

void check_kind(Level& level, const WindowAgg& window) {
  const List* targets = targets_below(window.plan);
  check_keys(level, targets, window.partNumCols, window.partColIdx, window.partOperators);
  check_keys(level, targets, window.ordNumCols, window.ordColIdx, window.ordOperators);
  run_condition_walker(reinterpret_cast<Node*>(window.runCondition), &level);
  check_expression(without_rows(level), window.startOffset);
  check_expression(without_rows(level), window.endOffset);
}

void check_kind(Level& level, const Unique& unique) {
  check_keys(level, targets_below(unique.plan), unique.numCols, unique.uniqColIdx,
             unique.uniqOperators);
}

void check_kind(Level& level, const SetOp& operation) {
#if PG_VERSION_NUM >= 180000
  check_keys(level, targets_below(operation.plan), operation.numCols, operation.cmpColIdx,
             operation.cmpOperators);
#else
  check_keys(level, targets_below(operation.plan), operation.numCols, operation.dupColIdx,
             operation.dupOperators);
#endif
}

void check_kind(Level& level, const RecursiveUnion& recursion) {
  check_keys(level, recursion.plan.targetlist, recursion.numCols, recursion.dupColIdx,
             recursion.dupOperators);
}

void check_kind(Level& level, const Limit& limit) {
  check_keys(level, targets_below(limit.plan), limit.uniqNumCols, limit.uniqColIdx,
             limit.uniqOperators);
  check_expression(without_rows(level), limit.limitOffset);
  check_expression(without_rows(level), limit.limitCount);
}

}  // namespace nae::batch
