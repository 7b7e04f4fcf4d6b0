// Checks of batch nodes.
#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/check_kinds.hpp"

namespace nae::batch {

void check_kind(Level& level, const CustomScan& scan) {
  if (!is_batch(&scan.scan.plan)) return;
  const List* calls = calls_of(&scan);
  const List* below = targets_below(scan.scan.plan);
  Level row = without_rows(level);
  row.outer = below;
  if (list_length(scan.custom_scan_tlist) != list_length(below) + list_length(calls) ||
      list_length(scan.custom_private) != list_length(calls) + 2) {
    refuse(level, "a batch has another number of columns than of calls");
    return;
  }
  for (int i = 0; i < list_length(coded_columns_of(&scan)); ++i) {
    const int coded = coded_column(coded_columns_of(&scan), i).column;
    if (coded < 1 || coded > list_length(scan.custom_scan_tlist))
      refuse(level, "a batch asks for codes of a column that it has not");
  }
  int column = 0;
  ListCell* cell;
  foreach (cell, scan.custom_scan_tlist) {
    auto* shown = reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell)->expr);
    const auto* var = reinterpret_cast<const Var*>(shown);
    int call = column++ - list_length(below);
    bool same = call >= 0 ? exprType(shown) == exprType(static_cast<Node*>(list_nth(calls, call)))
                          : IsA(shown, Var) && var->varno == OUTER_VAR && var->varattno == column;
    if (!same) refuse(level, "a column of a batch is of another type than its call");
    if (call < 0) check_expression(row, shown);
  }
  check_expression(row, calls);
  level.indexed = scan.custom_scan_tlist;
  level.calls = calls;
  check_expression(level, scan.scan.plan.targetlist);
  check_expression(level, filter_of(&scan));
}

}  // namespace nae::batch
