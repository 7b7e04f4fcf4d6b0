#include "pg_nae/columns/whole_row.hpp"

#include "pg_nae/columns/arguments.hpp"

namespace nae::columns {
namespace {

bool is_value(Oid type) {
  return find_column_type(type) != nullptr || find_column_type_of_array(type) != nullptr;
}

bool is_whole_row(const Node* expression) {
  return IsA(expression, Var) &&
         reinterpret_cast<const Var*>(expression)->varattno == InvalidAttrNumber;
}

// ROW(...)
bool is_anonymous_row(const Node* expression) {
  return IsA(expression, RowExpr) &&
         reinterpret_cast<const RowExpr*>(expression)->row_typeid == RECORDOID;
}

// The columns of the relation that a whole-row reference stands for.
struct Columns {
  List* names = NIL;
  List* references = NIL;
};

#if PG_VERSION_NUM >= 160000
// The outer joins that make the row NULL make its columns NULL.
bool become_nullable_walker(Node* node, void* joins) {
  if (node == nullptr) return false;
  if (IsA(node, Var)) {
    auto* var = reinterpret_cast<Var*>(node);
    var->varnullingrels = bms_union(var->varnullingrels, *static_cast<Relids*>(joins));
    return false;
  }
  return pg::walk_children(node, become_nullable_walker, joins);
}
#endif

Columns columns_of(const Var* row, const QueryLevel& here) {
  const QueryLevel* level = &here;
  for (Index up = 0; up < row->varlevelsup && level != nullptr; ++up) level = level->outer;
  Columns columns;
  if (level == nullptr || level->query == nullptr ||
      static_cast<int>(row->varno) > list_length(level->query->rtable))
    return columns;
  RangeTblEntry* relation = rt_fetch(static_cast<int>(row->varno), level->query->rtable);
#if PG_VERSION_NUM >= 180000
  expandRTE(relation, row->varno, static_cast<int>(row->varlevelsup), row->varreturningtype, -1,
            false, &columns.names, &columns.references);
#else
  expandRTE(relation, static_cast<int>(row->varno), static_cast<int>(row->varlevelsup), -1, false,
            &columns.names, &columns.references);
#endif
#if PG_VERSION_NUM >= 160000
  become_nullable_walker(reinterpret_cast<Node*>(columns.references),
                         const_cast<Relids*>(&row->varnullingrels));
#endif
  return columns;
}

// Of any other row: as it is at execution, field by field.
Node* decrypted_row(Node* row) {
  return reinterpret_cast<Node*>(makeFuncExpr(row_decryption(), RECORDOID, list_make1(row),
                                              InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
}

Node* record_of(List* fields, List* names) {
  RowExpr* row = makeNode(RowExpr);
  row->args = fields;
  row->row_typeid = RECORDOID;
  row->row_format = COERCE_EXPLICIT_CALL;
  row->colnames = names;
  row->location = -1;
  return reinterpret_cast<Node*>(row);
}

// The row that an outer join did not find is NULL, not a row of NULLs.
Node* unless_null(const Var* row, Node* record) {
  NullTest* test = makeNode(NullTest);
  test->arg = reinterpret_cast<Expr*>(pg::copy_of(row));
  test->nulltesttype = IS_NOT_NULL;
  test->argisrow = false;
  test->location = -1;
  CaseWhen* when = makeNode(CaseWhen);
  when->expr = reinterpret_cast<Expr*>(test);
  when->result = reinterpret_cast<Expr*>(record);
  when->location = -1;
  CaseExpr* chosen = makeNode(CaseExpr);
  chosen->casetype = RECORDOID;
  chosen->args = list_make1(when);
  chosen->defresult = reinterpret_cast<Expr*>(makeNullConst(RECORDOID, -1, InvalidOid));
  chosen->location = -1;
  return reinterpret_cast<Node*>(chosen);
}

}  // namespace

bool is_encrypted_row(Oid type) {
  if (type < FirstNormalObjectId) return false;
  type = getBaseType(type);
  if (get_typtype(type) != TYPTYPE_COMPOSITE) return false;
  TupleDesc columns = lookup_rowtype_tupdesc_noerror(type, -1, true);
  if (columns == nullptr) return false;
  bool found = false;
  for (int i = 0; i < columns->natts && !found; ++i) {
    auto* attribute = TupleDescAttr(columns, i);
    found = !attribute->attisdropped && find_column_type(attribute->atttypid) != nullptr;
  }
  ReleaseTupleDesc(columns);
  return found;
}

bool holds_encrypted(Oid type) {
  if (type < FirstNormalObjectId) return false;
  if (is_value(type) || is_encrypted_row(type)) return true;
  Oid element = get_element_type(type);
  return OidIsValid(element) && is_encrypted_row(element);
}

bool is_readable(Node* expression, const QueryLevel& here) {
  if (expression == nullptr) return false;
  if (is_value(exprType(expression))) return true;
  if (is_whole_row(expression) && here.query != nullptr)
    return has_readable(columns_of(reinterpret_cast<Var*>(expression), here).references, here);
  if (is_anonymous_row(expression))
    return has_readable(reinterpret_cast<RowExpr*>(expression)->args, here);
  return is_encrypted_row(exprType(expression));
}

List* readable_list(List* expressions, const QueryLevel& here) {
  List* result = NIL;
  ListCell* cell;
  foreach (cell, expressions)
    result = lappend(result, readable(static_cast<Node*>(lfirst(cell)), here));
  return result;
}

Node* readable(Node* expression, const QueryLevel& here) {
  if (!is_readable(expression, here)) return expression;
  if (type_of(expression) != nullptr) return decrypted(expression);
  if (find_column_type_of_array(exprType(expression)) != nullptr)
    return decrypted_array(expression);
  if (is_anonymous_row(expression)) {
    auto* row = pg::flat_copy(reinterpret_cast<RowExpr*>(expression));
    row->args = readable_list(row->args, here);
    return reinterpret_cast<Node*>(row);
  }
  if (!is_whole_row(expression) || here.query == nullptr) return decrypted_row(expression);
  auto* row = reinterpret_cast<Var*>(expression);
  Columns columns = columns_of(row, here);
  return unless_null(row, record_of(readable_list(columns.references, here), columns.names));
}

}  // namespace nae::columns
