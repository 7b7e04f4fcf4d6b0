// Checks of joins and what belongs to them.
#include "pg_nae/batch/check_kinds.hpp"

namespace nae::batch {

void check_kind(Level& level, const NestLoop& loop) {
  check_expression(level, loop.join.joinqual);
  Level outer = without_rows(level);
  outer.outer = level.outer;
  ListCell* cell;
  foreach (cell, loop.nestParams) {
    auto* passed = lfirst_node(NestLoopParam, cell);
    int parameter = passed->paramno;
    if (parameter < 0 || parameter >= level.check.parameter_count ||
        list_nth_oid(level.check.statement->paramExecTypes, parameter) !=
            exprType(reinterpret_cast<Node*>(passed->paramval)))
      refuse(level, "a nested loop passes on a column of another type");
    check_expression(outer, passed->paramval);
  }
}

void check_kind(Level& level, const MergeJoin& join) {
  check_expression(level, join.join.joinqual);
  check_expression(level, join.mergeclauses);
}

void check_kind(Level& level, const HashJoin& join) {
  check_expression(level, join.join.joinqual);
  check_expression(level, join.hashclauses);
  Level outer = without_rows(level);
  outer.outer = level.outer;
  check_expression(outer, join.hashkeys);
  if (!IsA(join.join.plan.righttree, Hash)) {
    refuse(level, "a hash join has no hash table");
    return;
  }
  const List* table_keys = reinterpret_cast<const Hash*>(join.join.plan.righttree)->hashkeys;
  if (list_length(table_keys) != list_length(join.hashkeys))
    refuse(level, "a hash table has another number of keys");
  ListCell *key, *table_key, *operation;
  forthree(key, join.hashkeys, table_key, table_keys, operation, join.hashoperators) {
    if (!takes_operand(lfirst_oid(operation), exprType(static_cast<Node*>(lfirst(key)))) ||
        !takes_operand(lfirst_oid(operation), exprType(static_cast<Node*>(lfirst(table_key))),
                       true))
      refuse(level, "a hash join compares keys of other types");
  }
}

void check_kind(Level& level, const Hash& hash) {
  Level input = without_rows(level);
  input.outer = targets_below(hash.plan);
  check_expression(input, hash.hashkeys);
}

void check_kind(Level& level, const Memoize& memoize) {
  check_expression(without_rows(level), memoize.param_exprs);
  int number = 0;
  ListCell* cell;
  foreach (cell, memoize.param_exprs)
    if (!takes_operand(memoize.hashOperators[number++], exprType(static_cast<Node*>(lfirst(cell)))))
      refuse(level, "a cache compares keys of other types");
}

}  // namespace nae::batch
