// Pull down: an aggregate's argument is evaluated inside the Agg node, row by row. Its calls become
// columns of the node below, which is then split.
#include "pg_nae/batch/add_column.hpp"
#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::batch {
namespace {

// The column as the aggregate is told of it.
int told_column(int column) {
  if (pg::is_planted("next column")) return column + 1;
  return pg::is_planted("first column") ? 1 : column;
}

struct Pull {
  const Surgery& surgery;
  Plan* child;
  bool in_arguments = false;
  List* pulled = NIL;   // calls, and
  List* columns = NIL;  // where they are now
};

int pulled_column(Pull& pull, Node* call) {
  ListCell *known, *column;
  if (!contain_volatile_functions(call)) {
    forboth(known, pull.pulled, column, pull.columns) {
      if (equal(lfirst(known), call)) return lfirst_int(column);
    }
  }
  int added = add_column(pull.surgery, pull.child, call);
  if (added == 0) return 0;
  pull.pulled = lappend(pull.pulled, call);
  pull.columns = lappend_int(pull.columns, added);
  return added;
}

Node* pull_mutator(Node* node, void* state) {
  if (node == nullptr) return nullptr;
  Pull& pull = *static_cast<Pull*>(state);
  if (pull.in_arguments) {
    if (is_conditional(node)) return node;
    if (is_batchable_call(node) && !is_bound_to_its_row(node)) {
      int column = pulled_column(pull, node);
      return column == 0 ? node
                         : reinterpret_cast<Node*>(make_var(OUTER_VAR, told_column(column), node));
    }
    return mutate_calls(node, pull_mutator, state);
  }
  // An aggregate is the node's wherever it stands, in what a sub-plan is compared with too.
  if (!IsA(node, Aggref)) return mutate_columns(node, pull_mutator, state);
  auto* aggregate = reinterpret_cast<Aggref*>(node);
  // What FILTER drops is not evaluated; an ordered-set's direct arguments are, once a group.
  if (aggregate->aggfilter != nullptr || aggregate->aggdirectargs != NIL) return node;
  Aggref* result = flat_copy(aggregate);
  pull.in_arguments = true;
  result->args =
      reinterpret_cast<List*>(pull_mutator(reinterpret_cast<Node*>(aggregate->args), state));
  pull.in_arguments = false;
  return reinterpret_cast<Node*>(result);
}

bool used_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  if (IsA(node, Var)) {
    auto* var = reinterpret_cast<Var*>(node);
    auto& used = *static_cast<Bitmapset**>(state);
    if (var->varno == OUTER_VAR) used = bms_add_member(used, var->varattno);
    return false;
  }
  return walk_columns(node, used_walker, state);
}

bool emitted_walker(Node* node, void* used) {
  if (node == nullptr) return false;
  if (!IsA(node, Var)) return walk_columns(node, emitted_walker, used);
  auto& columns = *static_cast<Bitmapset**>(used);
  columns = bms_add_member(columns, reinterpret_cast<Var*>(node)->varattno);
  return false;
}

// A window that ends its run by a condition reads there what it emits itself.
Bitmapset* read_by_itself(const Plan* plan) {
  Bitmapset* used = nullptr;
  if (IsA(plan, WindowAgg) && !pg::is_planted("run of a window"))
    emitted_walker(reinterpret_cast<Node*>(reinterpret_cast<const WindowAgg*>(plan)->runCondition),
                   &used);
  return used;
}

// A scan hands on whole rows, because that costs it nothing; a batch copies what it hands on.
void drop_unused_columns(const Agg* aggregation, const List* pulled) {
  Plan* child = aggregation->plan.lefttree;
  if (is_transparent(child)) return;
  Bitmapset* used = read_by_itself(child);
  used_walker(reinterpret_cast<Node*>(aggregation->plan.targetlist), &used);
  used_walker(reinterpret_cast<Node*>(aggregation->plan.qual), &used);
  for (int i = 0; i < aggregation->numCols; ++i)
    used = bms_add_member(used, aggregation->grpColIdx[i]);
  ListCell* column;
  foreach (column, pulled) used = bms_add_member(used, lfirst_int(column));
  ListCell* cell;
  foreach (cell, child->targetlist) {
    auto* target = lfirst_node(TargetEntry, cell);
    auto* expression = reinterpret_cast<Node*>(target->expr);
    if (!bms_is_member(target->resno, used) && !contain_volatile_functions(expression))
      target->expr = reinterpret_cast<Expr*>(
          makeNullConst(exprType(expression), exprTypmod(expression), exprCollation(expression)));
  }
}

}  // namespace

void pull_down(Surgery& surgery, Agg* aggregation) {
  Plan& plan = aggregation->plan;
  bool concerned = contains_batchable_call(reinterpret_cast<Node*>(plan.targetlist)) ||
                   contains_batchable_call(reinterpret_cast<Node*>(plan.qual));
  if (!concerned || aggregation->chain != NIL || !can_add_column(plan.lefttree)) return;
  Pull pull{.surgery = surgery, .child = plan.lefttree};
  plan.targetlist =
      reinterpret_cast<List*>(pull_mutator(reinterpret_cast<Node*>(plan.targetlist), &pull));
  plan.qual = reinterpret_cast<List*>(pull_mutator(reinterpret_cast<Node*>(plan.qual), &pull));
  if (pull.pulled == NIL) return;
  drop_unused_columns(aggregation, pull.columns);
  plan.lefttree = split_below(surgery, plan.lefttree);
}

}  // namespace nae::batch
