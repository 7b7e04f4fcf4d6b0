#include "pg_nae/columns/positions.hpp"

#include "pg_nae/columns/raw_keys.hpp"
#include "pg_nae/pg/nodes.hpp"

namespace nae::columns {
namespace {

void add(Bitmapset*& set, int location) {
  if (location >= 0) set = bms_add_member(set, location);
}

bool has(const Bitmapset* set, int location) {
  return location >= 0 && bms_is_member(location, set);
}

struct Walk {
  Positions& positions;
  List* seen = NIL;  // SELECTs whose output is marked already
};

void mark_stored(Node* node, Positions& positions) {
  if (node != nullptr && IsA(node, ColumnRef))
    add(positions.stored, reinterpret_cast<ColumnRef*>(node)->location);
}

void mark_outputs(SelectStmt* select, Walk& walk);

// A scalar sub-select that is an output column itself hands on what is stored. As a key of groups
// it would not be found again.
void mark_output(Node* output, const SelectStmt* select, Walk& walk) {
  if (output == nullptr || !IsA(output, SubLink)) return mark_stored(output, walk.positions);
  auto* sublink = reinterpret_cast<SubLink*>(output);
  if (sublink->subLinkType == EXPR_SUBLINK && (select == nullptr || select->groupClause == NIL))
    mark_outputs(reinterpret_cast<SelectStmt*>(sublink->subselect), walk);
}

bool is_marked(SelectStmt* select, Walk& walk) {
  if (list_member_ptr(walk.seen, select)) return true;
  walk.seen = lappend(walk.seen, select);
  return false;
}

void mark_outputs(SelectStmt* select, Walk& walk) {
  if (is_marked(select, walk)) return;
  if (select->op != SETOP_NONE) {
    mark_outputs(select->larg, walk);
    return mark_outputs(select->rarg, walk);
  }
  ListCell* cell;
  foreach (cell, select->targetList) mark_output(lfirst_node(ResTarget, cell)->val, select, walk);
}

// Of a sub-select within an expression.
void mark_compared(SelectStmt* select, Walk& walk) {
  if (is_marked(select, walk)) return;
  if (select->op != SETOP_NONE) {
    mark_compared(select->larg, walk);
    return mark_compared(select->rarg, walk);
  }
  ListCell* cell;
  foreach (cell, select->targetList) {
    Node* output = lfirst_node(ResTarget, cell)->val;
    if (IsA(output, ColumnRef))
      add(walk.positions.stored_if_equal_so, reinterpret_cast<ColumnRef*>(output)->location);
  }
}

void mark_value_of_sublink(SelectStmt* select, Walk& walk) {
  if (is_marked(select, walk) || select->op == SETOP_NONE) return;
  mark_value_of_sublink(select->larg, walk);
  mark_value_of_sublink(select->rarg, walk);
}

void mark_sublink(SubLink* sublink, Walk& walk) {
  auto* select = reinterpret_cast<SelectStmt*>(sublink->subselect);
  if (sublink->subLinkType == ANY_SUBLINK || sublink->subLinkType == ALL_SUBLINK)
    return mark_compared(select, walk);
  mark_value_of_sublink(select, walk);
}

void mark_keys(List* keys, Positions& positions) {
  ListCell* cell;
  foreach (cell, expressions_of_keys(keys))
    mark_stored(static_cast<Node*>(lfirst(cell)), positions);
}

void mark_select(SelectStmt* select, Walk& walk) {
  mark_outputs(select, walk);
  mark_keys(select->groupClause, walk.positions);
  mark_keys(select->distinctClause, walk.positions);
  ListCell* cell;
  foreach (cell, select->sortClause) mark_stored(lfirst_node(SortBy, cell)->node, walk.positions);
}

void mark_returned(List* returned, Walk& walk) {
  ListCell* cell;
  foreach (cell, returned) mark_output(lfirst_node(ResTarget, cell)->val, nullptr, walk);
}

#if PG_VERSION_NUM >= 180000
List* returned_by(ReturningClause* clause) {
  return clause == nullptr ? NIL : clause->exprs;
}
#else
List* returned_by(List* list) {
  return list;
}
#endif

#if PG_VERSION_NUM >= 180000
#define NAE_RETURNING returningClause
#else
#define NAE_RETURNING returningList
#endif

// SET note = (SELECT ...): as stored, where both columns are declared alike.
void mark_assigned(List* targets, Walk& walk) {
  ListCell* cell;
  foreach (cell, targets) {
    Node* value = lfirst_node(ResTarget, cell)->val;
    if (value != nullptr && IsA(value, MultiAssignRef))
      value = reinterpret_cast<MultiAssignRef*>(value)->source;
    if (value != nullptr && IsA(value, SubLink)) mark_output(value, nullptr, walk);
  }
}

void mark_cast(TypeCast* cast, Positions& positions) {
  if (IsA(cast->arg, ColumnRef))
    add(positions.casts, reinterpret_cast<ColumnRef*>(cast->arg)->location);
}

void mark(Node* node, Walk& walk) {
  switch (nodeTag(node)) {
    case T_SelectStmt:
      return mark_select(reinterpret_cast<SelectStmt*>(node), walk);
    case T_InsertStmt:
      return mark_returned(returned_by(reinterpret_cast<InsertStmt*>(node)->NAE_RETURNING), walk);
    case T_UpdateStmt:
      mark_assigned(reinterpret_cast<UpdateStmt*>(node)->targetList, walk);
      return mark_returned(returned_by(reinterpret_cast<UpdateStmt*>(node)->NAE_RETURNING), walk);
    case T_DeleteStmt:
      return mark_returned(returned_by(reinterpret_cast<DeleteStmt*>(node)->NAE_RETURNING), walk);
#if PG_VERSION_NUM >= 170000
    case T_MergeStmt:
      return mark_returned(returned_by(reinterpret_cast<MergeStmt*>(node)->NAE_RETURNING), walk);
#endif
    case T_InferClause:
      // The columns of an index are found as they are.
      return add(walk.positions.stored, reinterpret_cast<InferClause*>(node)->location);
    case T_OnConflictClause:
      return mark_assigned(reinterpret_cast<OnConflictClause*>(node)->targetList, walk);
    case T_SubLink:
      return mark_sublink(reinterpret_cast<SubLink*>(node), walk);
    case T_WindowDef:
      return mark_keys(reinterpret_cast<WindowDef*>(node)->partitionClause, walk.positions);
    case T_GroupingFunc:
      return mark_keys(reinterpret_cast<GroupingFunc*>(node)->args, walk.positions);
    case T_NullTest:
      return mark_stored(reinterpret_cast<Node*>(reinterpret_cast<NullTest*>(node)->arg),
                         walk.positions);
    case T_A_Indirection:
      return mark_stored(reinterpret_cast<A_Indirection*>(node)->arg, walk.positions);
    case T_TypeCast:
      return mark_cast(reinterpret_cast<TypeCast*>(node), walk.positions);
    default:
      return;
  }
}

bool position_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  mark(node, *static_cast<Walk*>(state));
  return pg::walk_raw(node, position_walker, state);
}

}  // namespace

Standing Positions::at(int location) const {
  if (has(casts, location)) return Standing::cast;
  if (has(plaintexts, location)) return Standing::plaintext;
  if (has(stored, location)) return Standing::stored;
  if (has(stored_if_equal_so, location)) return Standing::stored_if_equal_so;
  return Standing::plaintext;
}

Positions positions_in(Node* statement) {
  Positions positions;
  Walk walk{positions};
  position_walker(statement, &walk);
  return positions;
}

}  // namespace nae::columns
