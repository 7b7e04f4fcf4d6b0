// INSERT ... VALUES of many rows: calls stand inside each row of the lists, out of reach of
// split(). A column that is a call of one function in every row is replaced by the call's
// arguments, and the call is made once, in the scan's target list.
#include "pg_nae/batch/hoist.hpp"
#include "pg_nae/batch/surgery.hpp"

namespace nae::batch {
namespace {

Node* cell_of(List* row, int column) {
  return static_cast<Node*>(list_nth(row, column));
}

bool is_null_constant(const Node* node) {
  return IsA(node, Const) && reinterpret_cast<const Const*>(node)->constisnull;
}

// The call that all rows make in this column, NULL apart: the functions are strict. nullptr when
// the rows differ.
FuncExpr* common_call(List* rows, int column) {
  FuncExpr* common = nullptr;
  ListCell* cell;
  foreach (cell, rows) {
    Node* value = cell_of(static_cast<List*>(lfirst(cell)), column);
    if (is_null_constant(value)) continue;
    if (!is_batchable_call(value)) return nullptr;
    auto* call = reinterpret_cast<FuncExpr*>(value);
    bool same = common == nullptr ||
                (common->funcid == call->funcid && common->inputcollid == call->inputcollid &&
                 list_length(common->args) == list_length(call->args));
    if (!same) return nullptr;
    if (common == nullptr) common = call;
  }
  return common;
}

Node* argument_of(Node* value, int position) {
  return static_cast<Node*>(list_nth(reinterpret_cast<FuncExpr*>(value)->args, position));
}

// Every row that is not NULL passes the same constant.
bool is_constant(List* rows, int column, Node* first, int position) {
  if (!IsA(first, Const)) return false;
  ListCell* cell;
  foreach (cell, rows) {
    Node* value = cell_of(static_cast<List*>(lfirst(cell)), column);
    if (is_null_constant(value)) continue;
    if (!equal(argument_of(value, position), first)) return false;
  }
  return true;
}

// The scan's relation gets a column more: EXPLAIN looks for its name.
void name_added_column(Surgery& surgery, ValuesScan* scan, int column) {
  auto* relation = static_cast<RangeTblEntry*>(
      list_nth(surgery.statement->rtable, static_cast<int>(scan->scan.scanrelid) - 1));
  if (list_length(relation->eref->colnames) >= column) return;
  relation = flat_copy(relation);  // the plan as PostgreSQL made it has it too
  lfirst(list_nth_cell(surgery.statement->rtable, static_cast<int>(scan->scan.scanrelid) - 1)) =
      relation;
  relation->eref = copy_of(relation->eref);
  relation->eref->colnames =
      lappend(relation->eref->colnames, makeString(psprintf("argument%d", column)));
}

// Each row gets the argument behind its last column; the rows that are NULL get NULL.
int add_argument(Surgery& surgery, ValuesScan* scan, int column, Node* first, int position) {
  int added = 0;
  ListCell* cell;
  foreach (cell, scan->values_lists) {
    auto* row = static_cast<List*>(lfirst(cell));
    Node* value = cell_of(row, column);
    Node* argument = is_null_constant(value)
                         ? reinterpret_cast<Node*>(makeNullConst(exprType(first), exprTypmod(first),
                                                                 exprCollation(first)))
                         : argument_of(value, position);
    row = lappend(row, argument);
    lfirst(cell) = row;
    added = list_length(row);
  }
  name_added_column(surgery, scan, added);
  return added;
}

struct Replacement {
  int varno;
  int column;  // from 1
  Node* call;
};

Node* replace_mutator(Node* node, void* state) {
  if (node == nullptr) return nullptr;
  const auto& replacement = *static_cast<Replacement*>(state);
  if (IsA(node, Var)) {
    auto* var = reinterpret_cast<Var*>(node);
    bool ours =
        static_cast<int>(var->varno) == replacement.varno && var->varattno == replacement.column;
    return ours ? copy_of(replacement.call) : node;
  }
  return mutate_columns(node, replace_mutator, state);
}

void raise_column(Surgery& surgery, ValuesScan* scan, int column, FuncExpr* common) {
  FuncExpr* call = copy_of(common);
  auto varno = static_cast<int>(scan->scan.scanrelid);
  int position = 0;
  ListCell* cell;
  foreach (cell, call->args) {
    auto* first = static_cast<Node*>(lfirst(cell));
    if (!is_constant(scan->values_lists, column, first, position))
      lfirst(cell) = make_var(varno, add_argument(surgery, scan, column, first, position), first);
    ++position;
  }
  // The column itself is read by nobody any more.
  foreach (cell, scan->values_lists)
    list_nth_cell(static_cast<List*>(lfirst(cell)), column)->ptr_value =
        makeNullConst(common->funcresulttype, -1, common->funccollid);
  Replacement replacement{varno, column + 1, reinterpret_cast<Node*>(call)};
  Plan& plan = scan->scan.plan;
  plan.targetlist = reinterpret_cast<List*>(
      replace_mutator(reinterpret_cast<Node*>(plan.targetlist), &replacement));
  plan.qual =
      reinterpret_cast<List*>(replace_mutator(reinterpret_cast<Node*>(plan.qual), &replacement));
}

// A row of only NULL constants says nothing of the call's constants: then each row must have the
// call, or the call would turn a NULL row into a value.
bool has_null_row(List* rows, int column) {
  ListCell* cell;
  foreach (cell, rows)
    if (is_null_constant(cell_of(static_cast<List*>(lfirst(cell)), column))) return true;
  return false;
}

bool has_varying_argument(List* rows, int column, FuncExpr* call) {
  int position = 0;
  ListCell* cell;
  foreach (cell, call->args) {
    if (!is_constant(rows, column, static_cast<Node*>(lfirst(cell)), position)) return true;
    ++position;
  }
  return false;
}

}  // namespace

void raise_from_values(Surgery& surgery, ValuesScan* scan) {
  List* rows = scan->values_lists;
  auto* all = reinterpret_cast<Node*>(rows);
  if (!contains_batchable_call(all) || is_bound_to_its_row(all)) return;
  int columns = list_length(static_cast<List*>(linitial(rows)));
  for (int column = 0; column < columns; ++column) {
    FuncExpr* call = common_call(scan->values_lists, column);
    if (call == nullptr) continue;
    // Rows that are NULL need an argument that is NULL.
    if (has_null_row(scan->values_lists, column) &&
        !has_varying_argument(scan->values_lists, column, call))
      continue;
    raise_column(surgery, scan, column, call);
  }
}

}  // namespace nae::batch
