#include "pg_nae/batch/value_origin.hpp"

#include "pg_nae/columns/column_type.hpp"

namespace nae::batch {
namespace {

using columns::find_column_type;

const TargetEntry* entry(List* targets, AttrNumber number) {
  ListCell* cell;
  foreach (cell, targets)
    if (lfirst_node(TargetEntry, cell)->resno == number) return lfirst_node(TargetEntry, cell);
  return nullptr;
}

// A cast, or one of our own calls, does not change where a value is from.
const Var* variable(const Expr* value) {
  while (value != nullptr) {
    if (IsA(value, Var)) return reinterpret_cast<const Var*>(value);
    if (IsA(value, RelabelType)) {
      value = reinterpret_cast<const RelabelType*>(value)->arg;
      continue;
    }
    if (!IsA(value, FuncExpr)) return nullptr;
    List* arguments = reinterpret_cast<const FuncExpr*>(value)->args;
    value = arguments == NIL ? nullptr : static_cast<const Expr*>(linitial(arguments));
  }
  return nullptr;
}

// One of the partitions stands for all: their columns have the same names.
const Plan* outer_child(const Plan* plan) {
  List* children = NIL;
  if (IsA(plan, Append)) children = reinterpret_cast<const Append*>(plan)->appendplans;
  if (IsA(plan, MergeAppend)) children = reinterpret_cast<const MergeAppend*>(plan)->mergeplans;
  return children == NIL ? plan->lefttree : static_cast<const Plan*>(linitial(children));
}

// One step down: the expression that a variable stands for and the node it is an expression of.
const Expr* below(const Var* var, const Plan*& plan) {
  List* targets = NIL;
  if (var->varno == OUTER_VAR) {
    plan = outer_child(plan);
    targets = plan == nullptr ? NIL : plan->targetlist;
  } else if (var->varno == INNER_VAR) {
    plan = plan->righttree;
    targets = plan == nullptr ? NIL : plan->targetlist;
  } else if (var->varno == INDEX_VAR && IsA(plan, CustomScan)) {
    targets = reinterpret_cast<const CustomScan*>(plan)->custom_scan_tlist;
  } else if (var->varno == INDEX_VAR && IsA(plan, IndexOnlyScan)) {
    targets = reinterpret_cast<const IndexOnlyScan*>(plan)->indextlist;
  } else if (IsA(plan, SubqueryScan)) {
    plan = reinterpret_cast<const SubqueryScan*>(plan)->subplan;
    targets = plan->targetlist;
  }
  const TargetEntry* found = entry(targets, var->varattno);
  return found == nullptr ? nullptr : found->expr;
}

// The column of a table that the call's value is from; false when there is none.
bool find_column(const FuncExpr* call, const PlanState* child, Oid& table, AttrNumber& number) {
  const Plan* plan = child->plan;
  const Var* var = variable(reinterpret_cast<const Expr*>(call));
  if (var == nullptr || var->varno != OUTER_VAR) return false;
  // As the batch node says it, whose child is `plan`.
  const TargetEntry* emitted = entry(plan->targetlist, var->varattno);
  const Expr* value = emitted == nullptr ? nullptr : emitted->expr;
  while (value != nullptr && plan != nullptr) {
    var = variable(value);
    if (var == nullptr) return false;
    if (!IS_SPECIAL_VARNO(var->varno)) {
      auto* range = rt_fetch(var->varno, child->state->es_range_table);
      table = range->relid;
      number = var->varattno;
      if (range->rtekind == RTE_RELATION) return true;
    }
    value = below(var, plan);
  }
  return false;
}

}  // namespace

void OriginContext::enter(const FuncExpr* call, const PlanState* child,
                          const ItemPointerData* row) {
  Oid table;
  AttrNumber number;
  table_ = nullptr;
  row_ = row;
  if (find_column(call, child, table, number) && find_column_type(get_atttype(table, number))) {
    column_ = get_attname(table, number, false);
    // The place is one in the partition.
    if (row == nullptr)
      while (get_rel_relispartition(table)) table = get_partition_parent(table, true);
    table_ = get_rel_name(table);
    schema_ = get_namespace_name(get_rel_namespace(table));
  }
  callback_ = {error_context_stack, add, this};
  error_context_stack = &callback_;
}

void OriginContext::add(void* context) {
  const auto& self = *static_cast<const OriginContext*>(context);
  if (self.table_ == nullptr) return;
  err_generic_string(PG_DIAG_SCHEMA_NAME, self.schema_);
  err_generic_string(PG_DIAG_TABLE_NAME, self.table_);
  err_generic_string(PG_DIAG_COLUMN_NAME, self.column_);
  if (self.row_ == nullptr)
    errcontext("encrypted column %s of table %s", self.column_, self.table_);
  else
    errcontext("encrypted column %s of table %s, row with ctid (%u,%u)", self.column_, self.table_,
               ItemPointerGetBlockNumberNoCheck(self.row_),
               ItemPointerGetOffsetNumberNoCheck(self.row_));
}

}  // namespace nae::batch
