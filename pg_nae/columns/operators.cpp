#include "pg_nae/columns/operators.hpp"

#include "pg_nae/columns/arguments.hpp"
#include "pg_nae/columns/whole_row.hpp"

namespace nae::columns {
namespace {

// Of pg_catalog, whatever the search path of who plans the query.
List* in_catalog(char* name) {
  return list_make2(makeString(const_cast<char*>("pg_catalog")), makeString(name));
}

// An operator that PostgreSQL finds by the encrypted type on both sides stands for the one of the
// plaintext type, which is found alike: born < '2001-01-01'. InvalidOid for other operators.
Oid operator_of_plaintexts(Oid opno, const ColumnType*& type) {
  Oid left, right;
  op_input_types(opno, &left, &right);
  type = left == right ? find_column_type(left) : nullptr;
  if (type == nullptr || !is_column_function(get_opcode(opno)) || opno == type->equal ||
      opno == type->not_equal)
    return InvalidOid;
  Oid plain = plain_oid(type->plain);
  return OpernameGetOprid(in_catalog(get_opname(opno)), plain, plain);
}

// The result of NULLIF is its first operand, and of the type that the parser has promised.
Node* with_plain_operands(OpExpr* node, Oid opno, const ColumnType& type, const Place& place) {
  OpExpr* result = pg::flat_copy(node);
  result->opno = opno;
  result->opfuncid = get_opcode(opno);
  result->args = readable_list(node->args, place);
  if (!IsA(node, NullIfExpr)) return reinterpret_cast<Node*>(result);
  result->opresulttype = plain_oid(type.plain);
  return stored_again(reinterpret_cast<Node*>(result), type,
                      exprTypmod(reinterpret_cast<Node*>(node)));
}

}  // namespace

Node* converted_array_operator(ScalarArrayOpExpr* node, const Place& place) {
  const ColumnType* type;
  Oid opno = operator_of_plaintexts(node->opno, type);
  if (!OidIsValid(opno)) return reinterpret_cast<Node*>(node);
  ScalarArrayOpExpr* result = pg::flat_copy(node);
  result->opno = opno;
  result->opfuncid = get_opcode(opno);
  result->args = readable_list(node->args, place);
  return reinterpret_cast<Node*>(result);
}

Node* converted_operator(OpExpr* node, const Place& place) {
  const ColumnType* type;
  if (Oid opno = operator_of_plaintexts(node->opno, type); OidIsValid(opno))
    return with_plain_operands(node, opno, *type, place);
  set_opfuncid(node);
  List* arguments = plain_arguments(node->opfuncid, node->args, place);
  if (arguments == nullptr) return reinterpret_cast<Node*>(node);
  OpExpr* result = pg::flat_copy(node);
  result->args = arguments;
  return reinterpret_cast<Node*>(result);
}

}  // namespace nae::columns
