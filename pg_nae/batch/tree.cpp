#include "pg_nae/batch/tree.hpp"

namespace nae::batch {
namespace {

void visit_list(List* plans, ChildVisitor visit, void* state) {
  ListCell* cell;
  foreach (cell, plans) {
    auto* child = static_cast<Plan*>(lfirst(cell));
    visit(&child, state);
    lfirst(cell) = child;
  }
}

}  // namespace

List* passed_on(const Plan* child) {
  List* result = NIL;
  ListCell* cell;
  foreach (cell, child->targetlist) {
    auto* target = lfirst_node(TargetEntry, cell);
    TargetEntry* copy = flat_copy(target);
    copy->expr = reinterpret_cast<Expr*>(
        make_var(OUTER_VAR, target->resno, reinterpret_cast<Node*>(target->expr)));
    result = lappend(result, copy);
  }
  return result;
}

void each_child(Plan* plan, ChildVisitor visit, void* state) {
  if (plan->lefttree != nullptr) visit(&plan->lefttree, state);
  if (plan->righttree != nullptr) visit(&plan->righttree, state);
  switch (nodeTag(plan)) {
    case T_Append:
      return visit_list(reinterpret_cast<Append*>(plan)->appendplans, visit, state);
    case T_MergeAppend:
      return visit_list(reinterpret_cast<MergeAppend*>(plan)->mergeplans, visit, state);
    case T_BitmapAnd:
      return visit_list(reinterpret_cast<BitmapAnd*>(plan)->bitmapplans, visit, state);
    case T_BitmapOr:
      return visit_list(reinterpret_cast<BitmapOr*>(plan)->bitmapplans, visit, state);
    case T_CustomScan:
      return visit_list(reinterpret_cast<CustomScan*>(plan)->custom_plans, visit, state);
    case T_SubqueryScan:
      return visit(&reinterpret_cast<SubqueryScan*>(plan)->subplan, state);
    default:
      return;
  }
}

}  // namespace nae::batch
