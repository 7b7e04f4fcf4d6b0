#include "pg_nae/columns/set_operation.hpp"

#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/pg/nodes.hpp"

namespace nae::columns {
namespace {

bool keeps_all_rows(const Node* node) {
  if (!IsA(node, SetOperationStmt)) return true;
  auto* operation = reinterpret_cast<const SetOperationStmt*>(node);
  return operation->op == SETOP_UNION && operation->all && keeps_all_rows(operation->larg) &&
         keeps_all_rows(operation->rarg);
}

void each_output_of(Node* branch, Query* query, int column, OutputVisitor visit, void* state) {
  if (IsA(branch, SetOperationStmt)) {
    auto* operation = reinterpret_cast<SetOperationStmt*>(branch);
    each_output_of(operation->larg, query, column, visit, state);
    return each_output_of(operation->rarg, query, column, visit, state);
  }
  Query* leaf = rt_fetch(castNode(RangeTblRef, branch)->rtindex, query->rtable)->subquery;
  if (leaf->setOperations != nullptr) return each_branch_output(leaf, column, visit, state);
  visit(reinterpret_cast<Node*>(pg::target_at(leaf->targetList, column)->expr), state);
}

}  // namespace

void each_branch_output(Query* query, int column, OutputVisitor visit, void* state) {
  each_output_of(query->setOperations, query, column, visit, state);
}

bool is_sorted(Query* query, int column) {
  const TargetEntry* target = pg::target_at(query->targetList, column);
  ListCell* cell;
  foreach (cell, query->sortClause)
    if (target->ressortgroupref != 0 &&
        lfirst_node(SortGroupClause, cell)->tleSortGroupRef == target->ressortgroupref)
      return true;
  return false;
}

bool is_kept_by(const Node* operation, Oid type, int32 typmod) {
  const ColumnType* column = find_column_type(type);
  return column != nullptr && typmod >= 0 && (column->deterministic || keeps_all_rows(operation));
}

}  // namespace nae::columns
