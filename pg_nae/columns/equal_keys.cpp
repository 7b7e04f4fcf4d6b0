#include "pg_nae/columns/positions.hpp"

#include "pg_nae/pg/nodes.hpp"

namespace nae::columns {
namespace {

bool collect_references(Node* node, void* references) {
  if (node == nullptr) return false;
  if (IsA(node, ColumnRef)) {
    auto* list = static_cast<List**>(references);
    *list = lappend(*list, node);
    return false;
  }
  return pg::walk_raw(node, collect_references, references);
}

List* references_in(Node* expression) {
  List* references = NIL;
  collect_references(expression, &references);
  return references;
}

void copy_standing(Bitmapset*& set, int from, int to) {
  if (from >= 0 && to >= 0 && bms_is_member(from, set)) set = bms_add_member(set, to);
}

void copy_standings(Node* from, Node* to, Positions& positions) {
  ListCell *from_cell, *to_cell;
  forboth(from_cell, references_in(from), to_cell, references_in(to)) {
    const int there = lfirst_node(ColumnRef, from_cell)->location;
    const int here = lfirst_node(ColumnRef, to_cell)->location;
    copy_standing(positions.stored, there, here);
    copy_standing(positions.stored_if_equal_so, there, here);
    copy_standing(positions.plaintexts, there, here);
  }
}

List* with_keys(List* expressions, List* keys) {
  ListCell* cell;
  foreach (cell, keys) {
    auto* key = static_cast<Node*>(lfirst(cell));
    if (key == nullptr) continue;  // of DISTINCT without ON
    if (IsA(key, GroupingSet))
      expressions = with_keys(expressions, reinterpret_cast<GroupingSet*>(key)->content);
    else if (IsA(key, RowExpr) &&
             reinterpret_cast<RowExpr*>(key)->row_format == COERCE_IMPLICIT_CAST)
      expressions = with_keys(expressions, reinterpret_cast<RowExpr*>(key)->args);
    else
      expressions = lappend(expressions, key);
  }
  return expressions;
}

// In the order in which the parser finds one in another.
List* outputs_and_keys(SelectStmt* select) {
  List* expressions = NIL;
  ListCell* cell;
  foreach (cell, select->targetList)
    expressions = lappend(expressions, lfirst_node(ResTarget, cell)->val);
  foreach (cell, select->sortClause)
    expressions = lappend(expressions, lfirst_node(SortBy, cell)->node);
  expressions = with_keys(expressions, select->groupClause);
  return with_keys(expressions, select->distinctClause);
}

bool walker(Node* node, void* positions) {
  if (node == nullptr) return false;
  if (IsA(node, SelectStmt)) {
    auto* select = reinterpret_cast<SelectStmt*>(node);
    List* expressions = outputs_and_keys(select);
    for (int to = list_length(select->targetList); to < list_length(expressions); ++to)
      for (int from = 0; from < to; ++from)
        if (equal(list_nth(expressions, from), list_nth(expressions, to)))
          copy_standings(static_cast<Node*>(list_nth(expressions, from)),
                         static_cast<Node*>(list_nth(expressions, to)),
                         *static_cast<Positions*>(positions));
  }
  // PostgreSQL's walker knows no further than the statement.
  if (IsA(node, PLAssignStmt))
    return walker(reinterpret_cast<Node*>(reinterpret_cast<PLAssignStmt*>(node)->val), positions);
  return pg::walk_raw(node, walker, positions);
}

}  // namespace

void add_positions_of_equal_keys(Node* statement, Positions& positions) {
  walker(statement, &positions);
}

}  // namespace nae::columns
