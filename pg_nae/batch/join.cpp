// Joins evaluate their conditions inside, pair by pair. Calls in the filter of an inner join are
// made above it, for the pairs that the rest of the condition leaves. Calls in the keys of a hash
// join are made below it: every row of both sides has its key computed as it is. So are those of a
// nested loop whose condition begins with them: it looks at each pair.
#include "pg_nae/batch/add_column.hpp"
#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::batch {
namespace {

// What an inner join does not let pass here, it does not let pass there.
void filter_above(Join* join) {
  int first = join->jointype == JOIN_INNER ? first_hoistable(join->joinqual) : -1;
  if (first < 0) return;
  List* moved = list_copy_tail(join->joinqual, first);
  join->joinqual = list_truncate(list_copy(join->joinqual), first);
  join->plan.qual = list_concat(moved, join->plan.qual);
  // A join that knows of one match at most goes on after the first pair that passes what is left
  // here.
  join->inner_unique = false;
}

// An expression over one input, as the node below it sees that.
Node* as_outer_mutator(Node* node, void* state) {
  if (node == nullptr) return nullptr;
  if (!IsA(node, Var)) return mutate_columns(node, as_outer_mutator, state);
  Var* var = flat_copy(reinterpret_cast<Var*>(node));
  var->varno = OUTER_VAR;
  return reinterpret_cast<Node*>(var);
}

// Columns that calls in keys of one input have become.
struct Side {
  const Surgery& surgery;
  int varno;    // of the input in the join's expressions
  Plan* input;  // where columns are added
  List* calls = NIL;
  List* columns = NIL;
};

int column_of(Side& side, Node* call) {
  ListCell *known, *column;
  forboth(known, side.calls, column, side.columns) {
    if (equal(lfirst(known), call)) return lfirst_int(column);
  }
  int added = add_column(side.surgery, side.input, as_outer_mutator(call, nullptr));
  if (added == 0) return 0;
  side.calls = lappend(side.calls, call);
  side.columns = lappend_int(side.columns, added);
  return added;
}

bool other_input_walker(Node* node, void* varno) {
  if (node == nullptr) return false;
  if (IsA(node, Var))
    return static_cast<int>(reinterpret_cast<Var*>(node)->varno) != *static_cast<int*>(varno);
  return walk_columns(node, other_input_walker, varno);
}

// Columns of `varno` alone.
bool is_over(Node* node, int varno) {
  return !other_input_walker(node, &varno);
}

Node* replace_mutator(Node* node, void* state) {
  if (node == nullptr) return nullptr;
  if (is_conditional(node)) return node;  // what may not be evaluated is not evaluated for all rows
  auto& side = *static_cast<Side*>(state);
  if (is_batchable_call(node) && is_over(node, side.varno) && !contain_volatile_functions(node) &&
      !is_bound_to_its_row(node)) {
    if (int column = column_of(side, node))
      return reinterpret_cast<Node*>(make_var(side.varno, column, node));
  }
  return mutate_calls(node, replace_mutator, state);
}

List* replaced(List* expressions, Side& side) {
  return reinterpret_cast<List*>(replace_mutator(reinterpret_cast<Node*>(expressions), &side));
}

bool has_call(List* expressions) {
  return contains_batchable_call(reinterpret_cast<Node*>(expressions));
}

// Whatever runs the inner side for a row of the outer one alone.
bool is_given_parameters(const NestLoop* loop) {
  return loop->nestParams != NIL;
}

// The input, as columns can be added to it: of a Material that which it keeps.
Plan*& adding_input(Plan*& input) {
  return IsA(input, Material) ? input->lefttree : input;
}

void conditions_below(Surgery& surgery, NestLoop* loop) {
  Plan& plan = loop->join.plan;
  if (first_hoistable(loop->join.joinqual) != 0 || is_given_parameters(loop)) return;
  Plan*& inner_input = adding_input(plan.righttree);
  const bool keeps = &inner_input != &plan.righttree;
  bool same =
      !keeps || list_length(plan.righttree->targetlist) == list_length(inner_input->targetlist);
  if (!same || !can_add_column(plan.lefttree) || !can_add_column(inner_input)) return;
  Side outer{.surgery = surgery, .varno = OUTER_VAR, .input = plan.lefttree};
  Side inner{.surgery = surgery, .varno = INNER_VAR, .input = inner_input};
  loop->join.joinqual = replaced(replaced(loop->join.joinqual, outer), inner);
  if (outer.calls != NIL) plan.lefttree = split_below(surgery, plan.lefttree);
  if (inner.calls == NIL) return;
  if (keeps) hand_on(plan.righttree);
  inner_input = split_below(surgery, inner_input);
  if (!keeps) plan.righttree = materialized(surgery, plan.righttree);
}

void keys_below(Surgery& surgery, HashJoin* join) {
  Plan& plan = join->join.plan;
  if (!has_call(join->hashclauses) || !IsA(plan.righttree, Hash)) return;
  auto* hash = reinterpret_cast<Hash*>(plan.righttree);
  bool shared = plan.parallel_aware || hash->plan.parallel_aware;
  // What the table hands on is counted on to be what its input emits.
  bool same = list_length(hash->plan.targetlist) == list_length(hash->plan.lefttree->targetlist);
  if (shared || !same || !can_add_column(plan.lefttree) || !can_add_column(hash->plan.lefttree))
    return;
  Side outer{.surgery = surgery, .varno = OUTER_VAR, .input = plan.lefttree};
  Side inner{.surgery = surgery, .varno = INNER_VAR, .input = hash->plan.lefttree};
  join->hashclauses = replaced(replaced(join->hashclauses, outer), inner);
  join->hashkeys = replaced(join->hashkeys, outer);
  Side table{.surgery = surgery, .varno = OUTER_VAR, .input = hash->plan.lefttree};
  table.calls =
      reinterpret_cast<List*>(as_outer_mutator(reinterpret_cast<Node*>(inner.calls), nullptr));
  table.columns = inner.columns;
  hash->hashkeys = replaced(hash->hashkeys, table);
  if (!pg::is_planted("short hash")) hand_on(&hash->plan);
  if (outer.calls != NIL) plan.lefttree = split_below(surgery, plan.lefttree);
  if (inner.calls != NIL) hash->plan.lefttree = split_below(surgery, hash->plan.lefttree);
}

}  // namespace

void arrange_join(Surgery& surgery, Plan* plan) {
  if (IsA(plan, HashJoin)) keys_below(surgery, reinterpret_cast<HashJoin*>(plan));
  if (IsA(plan, NestLoop)) conditions_below(surgery, reinterpret_cast<NestLoop*>(plan));
  if (IsA(plan, HashJoin) || IsA(plan, NestLoop) || IsA(plan, MergeJoin))
    filter_above(reinterpret_cast<Join*>(plan));
}

}  // namespace nae::batch
