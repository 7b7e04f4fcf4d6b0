#include "pg_nae/columns/positions.hpp"
#include "pg_nae/columns/raw_keys.hpp"
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

// A column that groups stays one, as it is stored: sub-selects and GROUPING() find it as that.
List* computed(List* keys) {
  List* expressions = NIL;
  ListCell* cell;
  foreach (cell, keys)
    if (!IsA(lfirst(cell), ColumnRef)) expressions = lappend(expressions, lfirst(cell));
  return expressions;
}

List* outputs_of(SelectStmt* select) {
  List* expressions = NIL;
  ListCell* cell;
  foreach (cell, select->targetList)
    expressions = lappend(expressions, lfirst_node(ResTarget, cell)->val);
  return expressions;
}

// In the order in which the parser finds one in another.
List* keys_of(SelectStmt* select) {
  List* expressions = NIL;
  ListCell* cell;
  foreach (cell, select->sortClause)
    expressions = lappend(expressions, lfirst_node(SortBy, cell)->node);
  expressions = list_concat(expressions, computed(expressions_of_keys(select->groupClause)));
  return list_concat(expressions, expressions_of_keys(select->distinctClause));
}

void copy_to_equals_among(List* expressions, int outputs, Positions& positions) {
  for (int to = outputs; to < list_length(expressions); ++to)
    for (int from = 0; from < to; ++from)
      if (equal(list_nth(expressions, from), list_nth(expressions, to)))
        copy_standings(static_cast<Node*>(list_nth(expressions, from)),
                       static_cast<Node*>(list_nth(expressions, to)), positions);
}

struct Spread {
  List* expressions;
  Positions& positions;
};

bool spread_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  auto& spread = *static_cast<Spread*>(state);
  ListCell* cell;
  foreach (cell, spread.expressions)
    if (lfirst(cell) != node && equal(lfirst(cell), node))
      copy_standings(static_cast<Node*>(lfirst(cell)), node, spread.positions);
  return pg::walk_raw(node, spread_walker, state);
}

// GROUP BY 1 groups by what is put out: a column that is put out as plaintext is read so wherever
// the groups' expressions name it.
List* columns_that_group_as_outputs(SelectStmt* select, const Positions& positions) {
  List* expressions = NIL;
  List* keys = expressions_of_keys(select->groupClause);
  ListCell* cell;
  foreach (cell, outputs_of(select)) {
    auto* output = static_cast<Node*>(lfirst(cell));
    if (IsA(output, ColumnRef) && !list_member(keys, output) &&
        positions.at(reinterpret_cast<ColumnRef*>(output)->location) == Standing::plaintext)
      expressions = lappend(expressions, output);
  }
  return expressions;
}

void copy_to_equals(SelectStmt* select, Positions& positions) {
  List* expressions = list_concat(outputs_of(select), keys_of(select));
  copy_to_equals_among(expressions, list_length(select->targetList), positions);
  if (select->groupClause == NIL) return;
  expressions =
      list_concat(computed(expressions), columns_that_group_as_outputs(select, positions));
  Spread spread{expressions, positions};
  spread_walker(reinterpret_cast<Node*>(select), &spread);
}

bool position_of_key_walker(Node* node, void* positions) {
  if (node == nullptr) return false;
  if (IsA(node, SelectStmt))
    copy_to_equals(reinterpret_cast<SelectStmt*>(node), *static_cast<Positions*>(positions));
  return pg::walk_raw(node, position_of_key_walker, positions);
}

// name for t.name and s.t.name: to PostgreSQL they are one. Two columns of one name in the same
// expression are read alike without harm.
bool unqualify(Node* node, void*) {
  if (node == nullptr) return false;
  if (IsA(node, ColumnRef)) {
    auto* reference = reinterpret_cast<ColumnRef*>(node);
    reference->fields = list_make1(llast(reference->fields));
  }
  return pg::walk_raw(node, unqualify, nullptr);
}

}  // namespace

void add_positions_of_equal_keys(Node* statement, Positions& positions) {
  Node* written = pg::copy_of(statement);
  unqualify(written, nullptr);
  position_of_key_walker(written, &positions);
}

}  // namespace nae::columns
