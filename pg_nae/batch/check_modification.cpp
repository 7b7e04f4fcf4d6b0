// Checks of what changes tables.
#include "pg_nae/batch/check_kinds.hpp"

namespace nae::batch {

namespace {

bool has_same_types(const List* a, const List* b) {
  if (list_length(a) != list_length(b)) return false;
  ListCell *cell_a, *cell_b;
  forboth(cell_a, a, cell_b, b) {
    if (exprType(reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell_a)->expr)) !=
        exprType(reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell_b)->expr)))
      return false;
  }
  return true;
}

void check_assignments(const Level& changed, const List* targets) {
  Level level = changed;
  Bitmapset* set = set_by_assignments(targets);
  level.set = bms_union(level.set, set);
  level.set_here = bms_union(level.set_here, set);
  check_expression(level, targets);
}

void check_returning(const Level& changed, const ModifyTable& modification) {
  Level level = changed;
  level.outer = targets_below(modification.plan);
  ListCell* cell;
  foreach (cell, modification.returningLists) {
    auto* list = static_cast<List*>(lfirst(cell));
    check_expression(level, list);
    if (!has_same_types(list, modification.plan.targetlist))
      refuse(level, "RETURNING has columns of other types than it says");
  }
}

void check_merge(const Level& changed, const ModifyTable& modification) {
  Level level = changed;
  level.inner = targets_below(modification.plan);
  level.signals = false;  // a MERGE is not run again
  ListCell *list, *cell;
  foreach (list, modification.mergeActionLists) {
    foreach (cell, static_cast<List*>(lfirst(list))) {
      auto* action = lfirst_node(MergeAction, cell);
      check_assignments(level, action->targetList);
      check_expression(level, action->qual);
    }
  }
#if PG_VERSION_NUM >= 170000
  check_expression(level, modification.mergeJoinConditions);
#endif
}

}  // namespace

void check_kind(Level& level, const ModifyTable& modification) {
  ListCell *list, *cell;
  foreach (cell, modification.resultRelations)
    level.relations = bms_add_member(level.relations, lfirst_int(cell));
  level.relations = bms_add_member(level.relations, static_cast<int>(modification.nominalRelation));
  check_returning(level, modification);
  check_merge(level, modification);
  Level proposed = level;
  proposed.inner = modification.exclRelTlist;
  check_assignments(proposed, modification.onConflictSet);
  check_expression(proposed, modification.onConflictWhere);
  level.signals = false;
  foreach (list, modification.withCheckOptionLists)
    foreach (cell, static_cast<List*>(lfirst(list)))
      check_expression(level, lfirst_node(WithCheckOption, cell)->qual);
}

}  // namespace nae::batch
