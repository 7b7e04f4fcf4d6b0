#include "pg_nae/batch/display.hpp"

#include "pg_nae/columns/column_type.hpp"

namespace nae::batch {
namespace {

// The word VALUE, of a type: of all nodes that hold nothing the one that the executor can prepare.
Node* word_value(const Node* hidden) {
  auto* value = makeNode(CoerceToDomainValue);
  value->typeId = exprType(hidden);
  value->typeMod = exprTypmod(hidden);
  value->collation = exprCollation(hidden);
  value->location = -1;
  return reinterpret_cast<Node*>(value);
}

// The list that EXPLAIN looks `var` up in, and the plan whose it is; false where it says the
// column's name. As set_deparse_plan() of ruleutils.c has it.
bool looks_up(const Var* var, const Plan*& plan, const List*& targets) {
  targets = NIL;
  if (var->varno == INDEX_VAR) {
    if (IsA(plan, CustomScan))
      targets = reinterpret_cast<const CustomScan*>(plan)->custom_scan_tlist;
    if (IsA(plan, IndexOnlyScan))
      targets = reinterpret_cast<const IndexOnlyScan*>(plan)->indextlist;
    return true;
  }
  if (var->varno != OUTER_VAR && var->varno != INNER_VAR) return false;
  const Plan* below = var->varno == OUTER_VAR ? plan->lefttree : plan->righttree;
  if (IsA(plan, Append))
    below = static_cast<Plan*>(linitial(reinterpret_cast<const Append*>(plan)->appendplans));
  if (IsA(plan, MergeAppend))
    below = static_cast<Plan*>(linitial(reinterpret_cast<const MergeAppend*>(plan)->mergeplans));
  if (below != nullptr) targets = below->targetlist;
  plan = below;
  return true;
}

bool value_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  if (IsA(node, Const)) return !reinterpret_cast<Const*>(node)->constisnull;
  // EXPLAIN shows what a parameter stands for, if it knows.
  if (IsA(node, Param)) return true;
  if (!IsA(node, Var)) return pg::walk_children(node, value_walker, state);
  const auto* var = reinterpret_cast<const Var*>(node);
  const auto* plan = static_cast<const Plan*>(state);
  const List* targets;
  if (!looks_up(var, plan, targets)) return false;
  if (var->varattno < 1 || var->varattno > list_length(targets)) return true;
  auto* made = reinterpret_cast<Node*>(target_at(targets, var->varattno)->expr);
  return value_walker(made, const_cast<Plan*>(plan));
}

Node* hide_mutator(Node* node, void*) {
  if (node == nullptr) return nullptr;
  if (IsA(node, Const) && !reinterpret_cast<Const*>(node)->constisnull) return word_value(node);
  return pg::mutate_children(node, hide_mutator, nullptr);
}

// The key, as a type's modifier, and whether a cast was written say nothing to a reader.
List* without_modifiers(List* arguments) {
  while (list_length(arguments) > 1 && IsA(llast(arguments), Const))
    arguments = list_truncate(arguments, list_length(arguments) - 1);
  return arguments;
}

}  // namespace

Expr* shown_call(const FuncExpr* call, const Plan* child) {
  FuncExpr* shown = flat_copy(call);
  shown->funcformat = COERCE_EXPLICIT_CALL;
  shown->args = list_copy(call->args);
  if (columns::is_column_function(call->funcid)) shown->args = without_modifiers(shown->args);
  ListCell* cell;
  foreach (cell, shown->args) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    const auto* var = reinterpret_cast<const Var*>(argument);
    bool hidden =
        IsA(argument, Const) ||
        value_walker(reinterpret_cast<Node*>(target_at(child->targetlist, var->varattno)->expr),
                     const_cast<Plan*>(child));
    if (hidden) lfirst(cell) = word_value(argument);
  }
  return reinterpret_cast<Expr*>(shown);
}

List* shown_filter(List* quals) {
  return reinterpret_cast<List*>(hide_mutator(reinterpret_cast<Node*>(quals), nullptr));
}

}  // namespace nae::batch
