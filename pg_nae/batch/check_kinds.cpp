#include "pg_nae/batch/check_kinds.hpp"

namespace nae::batch {

const List* targets_below(const Plan& plan) {
  return plan.lefttree == nullptr ? NIL : plan.lefttree->targetlist;
}

Level without_rows(const Level& level) {
  return {.check = level.check,
          .plan = level.plan,
          .set = level.set,
          .set_here = level.set_here,
          .signals = level.signals};
}

#define NOTHING_MORE(kind) \
  void check_kind(Level&, const kind&) {}
NOTHING_MORE(ProjectSet)
NOTHING_MORE(Append)
NOTHING_MORE(BitmapAnd)
NOTHING_MORE(BitmapOr)
NOTHING_MORE(SeqScan)
NOTHING_MORE(SubqueryScan)
NOTHING_MORE(CteScan)
NOTHING_MORE(NamedTuplestoreScan)
NOTHING_MORE(WorkTableScan)
NOTHING_MORE(ForeignScan)  // what its lists mean is known to its extension
NOTHING_MORE(Material)
NOTHING_MORE(Gather)
NOTHING_MORE(LockRows)
#undef NOTHING_MORE

void check_kind(Level& level, const ::Result& result) {
  // Where a condition is never true, columns may be named of a relation that is not read.
  level.any_relation = result.plan.lefttree == nullptr && result.resconstantqual != nullptr;
  check_expression(without_rows(level), result.resconstantqual);
}

void check_own(Level& level, const Plan* plan) {
  switch (nodeTag(plan)) {
#define NODE_KIND(name, source) \
  case T_##name:                \
    return check_kind(level, *reinterpret_cast<const ::name*>(plan));
#define NO_NODE_KIND(name)
#include "pg_nae/node_kinds/plans.def"
#undef NODE_KIND
#undef NO_NODE_KIND
    default:
      refuse(level, "the kind of a node is not known");
  }
}

}  // namespace nae::batch
