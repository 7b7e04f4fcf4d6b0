// Checks of scans.
#include "pg_nae/batch/check_kinds.hpp"

namespace nae::batch {

void check_kind(Level& level, const SampleScan& scan) {
  check_expression(without_rows(level), scan.tablesample->args);
  check_expression(without_rows(level), scan.tablesample->repeatable);
}

namespace {

void check_index_keys(const Level& level, const List* keys) {
  Level index = without_rows(level);
  index.index_columns = true;
  check_expression(index, keys);
}

}  // namespace

void check_kind(Level& level, const IndexScan& scan) {
  check_index_keys(level, scan.indexqual);
  check_index_keys(level, scan.indexorderby);
  check_expression(level, scan.indexqualorig);
  check_expression(level, scan.indexorderbyorig);
}

void check_kind(Level& level, const IndexOnlyScan& scan) {
  check_index_keys(level, scan.indexqual);
  check_index_keys(level, scan.indexorderby);
  check_expression(level, scan.recheckqual);
}

void check_kind(Level& level, const BitmapIndexScan& scan) {
  check_index_keys(level, scan.indexqual);
  level.relation = static_cast<int>(scan.scan.scanrelid);
  check_expression(level, scan.indexqualorig);
}

void check_kind(Level& level, const BitmapHeapScan& scan) {
  check_expression(level, scan.bitmapqualorig);
}

void check_kind(Level& level, const TidScan& scan) {
  check_expression(level, scan.tidquals);
}

void check_kind(Level& level, const TidRangeScan& scan) {
  check_expression(level, scan.tidrangequals);
}

void check_kind(Level& level, const FunctionScan& scan) {
  ListCell* cell;
  foreach (cell, scan.functions)
    check_expression(without_rows(level), lfirst_node(RangeTblFunction, cell)->funcexpr);
}

void check_kind(Level& level, const TableFuncScan& scan) {
  check_expression(without_rows(level), scan.tablefunc);
}

void check_kind(Level& level, const ValuesScan& scan) {
  auto* first = static_cast<List*>(linitial(scan.values_lists));
  ListCell *row, *cell, *column;
  foreach (row, scan.values_lists) {
    auto* cells = static_cast<List*>(lfirst(row));
    if (list_length(cells) != list_length(first)) refuse(level, "rows of VALUES differ in length");
    forboth(cell, cells, column, first) {
      if (exprType(static_cast<Node*>(lfirst(cell))) !=
          exprType(static_cast<Node*>(lfirst(column))))
        refuse(level, "rows of VALUES differ in types");
    }
    check_expression(without_rows(level), cells);
  }
}

}  // namespace nae::batch
