#include "pg_nae/batch/evaluation.hpp"

#include "pg_nae/pg/plant.hpp"

namespace nae::batch {
namespace {

// Whether calls that stand in `node` may be taken out of it.
bool is_open(const Node* node) {
  switch (evaluation_of(node)) {
    case Evaluation::sub_plan:
    case Evaluation::never:
      return pg::is_planted("calls of sub-plans");
    default:
      return true;
  }
}

struct Parameters {
  Bitmapset* read;
  const PlannedStmt* statement;
};

bool parameter_walker(Node* node, void* state);

void add_parameters_of(SubPlan* sub_plan, Parameters& parameters) {
  Parameters own{nullptr, parameters.statement};
  parameter_walker(sub_plan->testexpr, &own);
  ListCell* cell;
  foreach (cell, sub_plan->paramIds) own.read = bms_del_member(own.read, lfirst_int(cell));
  auto* plan = static_cast<Plan*>(list_nth(parameters.statement->subplans, sub_plan->plan_id - 1));
  Bitmapset* outer = bms_copy(plan->extParam);
  foreach (cell, sub_plan->parParam) outer = bms_del_member(outer, lfirst_int(cell));
  parameters.read = bms_join(parameters.read, bms_join(own.read, outer));
  parameter_walker(reinterpret_cast<Node*>(sub_plan->args), &parameters);
}

bool parameter_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  auto& parameters = *static_cast<Parameters*>(state);
  if (IsA(node, Param)) {
    auto* parameter = reinterpret_cast<Param*>(node);
    if (parameter->paramkind == PARAM_EXEC)
      parameters.read = bms_add_member(parameters.read, parameter->paramid);
    return false;
  }
  if (IsA(node, SubPlan)) {
    add_parameters_of(reinterpret_cast<SubPlan*>(node), parameters);
    return false;
  }
  return walk_columns(node, parameter_walker, state);
}

}  // namespace

Evaluation evaluation_of(const Node* node) {
  switch (nodeTag(node)) {
#define NODE_KIND(name, evaluation) \
  case T_##name:                    \
    return Evaluation::evaluation;
#define NO_NODE_KIND(name)
#include "pg_nae/node_kinds/expressions.def"
#undef NODE_KIND
#undef NO_NODE_KIND
    case T_List:
      return Evaluation::plain;
    default:
      return Evaluation::never;
  }
}

bool is_conditional(const Node* node) {
  if (IsA(node, BoolExpr)) return reinterpret_cast<const BoolExpr*>(node)->boolop != NOT_EXPR;
  return evaluation_of(node) == Evaluation::conditional;
}

bool walk_calls(Node* node, pg::Walker walker, void* state) {
  return is_open(node) && pg::walk_children(node, walker, state);
}

Node* mutate_calls(Node* node, pg::Mutator mutator, void* state) {
  return is_open(node) ? pg::mutate_children(node, mutator, state) : node;
}

Bitmapset* parameters_of(Node* expression, const PlannedStmt* statement) {
  Parameters parameters{nullptr, statement};
  parameter_walker(expression, &parameters);
  return parameters.read;
}

}  // namespace nae::batch
