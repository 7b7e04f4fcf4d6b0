#include "pg_nae/batch/add_column.hpp"

#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::batch {
namespace {

struct Substitution {
  Plan* child;
  bool repeats = false;  // a volatile expression would be evaluated twice
};

// Columns of the child's output by the expressions that make them.
Node* substitute_mutator(Node* node, void* state) {
  if (node == nullptr) return nullptr;
  if (!IsA(node, Var) || reinterpret_cast<Var*>(node)->varno != OUTER_VAR)
    return mutate_columns(node, substitute_mutator, state);
  auto& substitution = *static_cast<Substitution*>(state);
  int column = reinterpret_cast<Var*>(node)->varattno;
  auto* made_by = reinterpret_cast<Node*>(target_at(substitution.child->targetlist, column)->expr);
  substitution.repeats = substitution.repeats || contain_volatile_functions(made_by);
  return copy_of(made_by);
}

// A node is run again when a Param that it reads has changed, and only then.
void depend_on(Plan* plan, const Bitmapset* parameters) {
  plan->extParam = bms_union(plan->extParam, parameters);
  plan->allParam = bms_union(plan->allParam, parameters);
}

}  // namespace

bool is_transparent(const Plan* plan) {
  return IsA(plan, Sort) || IsA(plan, IncrementalSort);
}

bool can_add_column(Plan* plan) {
  if (plan == nullptr) return false;
  if (is_transparent(plan)) return can_add_column(plan->lefttree);
  if (IsA(plan, CustomScan) && !is_batch(plan)) return false;
  if (IsA(plan, ForeignScan) || (IsA(plan, Result) && plan->lefttree == nullptr)) return false;
  return is_projection_capable_plan(plan);
}

int add_column(const Surgery& surgery, Plan* plan, Node* expression) {
  Substitution substitution{plan};
  Node* inner = substitute_mutator(expression, &substitution);
  if (substitution.repeats || list_length(plan->targetlist) >= MaxTupleAttributeNumber) return 0;
  Bitmapset* parameters = parameters_of(inner, surgery.statement);
  if (is_transparent(plan)) {
    int column = add_column(surgery, plan->lefttree, inner);
    if (column == 0) return 0;
    inner = reinterpret_cast<Node*>(make_var(OUTER_VAR, column, expression));
  }
  if (!pg::is_planted("silent parameters")) depend_on(plan, parameters);
  return append_target(plan->targetlist, reinterpret_cast<Expr*>(inner))->resno;
}

void hand_on(Plan* plan) {
  Plan* input = plan->lefttree;
  for (int column = list_length(plan->targetlist); column < list_length(input->targetlist);
       ++column) {
    auto* made = reinterpret_cast<Node*>(target_at(input->targetlist, column + 1)->expr);
    append_target(plan->targetlist, reinterpret_cast<Expr*>(make_var(OUTER_VAR, column + 1, made)));
  }
  depend_on(plan, input->extParam);
}

Plan* split_below(Surgery& surgery, Plan* plan) {
  if (!is_transparent(plan)) return split(surgery, plan);
  plan->lefttree = split_below(surgery, plan->lefttree);
  return plan;
}

}  // namespace nae::batch
