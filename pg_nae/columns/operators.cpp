#include "pg_nae/columns/operators.hpp"

#include "pg_nae/columns/arguments.hpp"
#include "pg_nae/columns/declared.hpp"
#include "pg_nae/columns/whole_row.hpp"

namespace nae::columns {
namespace {

// Of pg_catalog, whatever the search path of who plans the query.
List* in_catalog(char* name) {
  return list_make2(makeString(const_cast<char*>("pg_catalog")), makeString(name));
}

// What calls a function of ours is either an operator of ciphertexts, which are compared byte by
// byte, or stands in pg_catalog for one of plaintexts.
bool is_ours(Oid opno, bool of_ciphertexts) {
  if (opno < FirstNormalObjectId) return false;
  const DeclaredOperator* declared = declared_operator(opno);
  return declared != nullptr && (declared->schema != PG_CATALOG_NAMESPACE) == of_ciphertexts &&
         is_column_function(declared->function);
}

Oid plain_type_of(Oid type, bool& encrypted) {
  const ColumnType* column = find_column_type(type);
  if (column == nullptr) return type;
  encrypted = true;
  return plain_oid(column->plain);
}

// The result of NULLIF is its first operand, and of the type that the parser has promised.
Node* with_plain_operands(OpExpr* node, Oid opno, const QueryLevel& level) {
  OpExpr* result = pg::flat_copy(node);
  result->opno = opno;
  result->opfuncid = get_opcode(opno);
  result->args = readable_list(node->args, level);
  const ColumnType* type = find_column_type(node->opresulttype);
  if (!IsA(node, NullIfExpr) || type == nullptr) return reinterpret_cast<Node*>(result);
  result->opresulttype = plain_oid(type->plain);
  return stored_again(reinterpret_cast<Node*>(result), *type,
                      exprTypmod(reinterpret_cast<Node*>(node)));
}

}  // namespace

// Codes of a search index are integers: theirs is one of no ciphertexts.
bool is_operator_of_ciphertexts(Oid opno) {
  if (!is_ours(opno, true)) return false;
  Oid left, right;
  op_input_types(opno, &left, &right);
  return left >= FirstNormalObjectId || right >= FirstNormalObjectId;
}

Oid plaintext_operator(Oid opno) {
  if (!is_ours(opno, false)) return InvalidOid;
  Oid left, right;
  op_input_types(opno, &left, &right);
  bool encrypted = false;
  left = plain_type_of(left, encrypted);
  right = plain_type_of(right, encrypted);
  if (!encrypted) return InvalidOid;
  List* name = in_catalog(get_opname(opno));
  Oid exact = OpernameGetOprid(name, left, right);
  if (OidIsValid(exact) || !OidIsValid(left)) return exact;
  // As the parser chooses: array operators are of any type. One of other types would want casts, as
  // that of two integers beside an int2: there ours is called, which has them.
  Operator found = oper(nullptr, name, left, right, true, -1);
  if (found == nullptr) return InvalidOid;
  const bool takes_any =
      IsPolymorphicType(reinterpret_cast<Form_pg_operator>(GETSTRUCT(found))->oprright);
  Oid chosen = takes_any ? oprid(found) : InvalidOid;
  ReleaseSysCache(found);
  return chosen;
}

Node* converted_array_operator(ScalarArrayOpExpr* node, const QueryLevel& level) {
  Oid opno = plaintext_operator(node->opno);
  if (!OidIsValid(opno)) return reinterpret_cast<Node*>(node);
  ScalarArrayOpExpr* result = pg::flat_copy(node);
  result->opno = opno;
  result->opfuncid = get_opcode(opno);
  result->args = readable_list(node->args, level);
  return reinterpret_cast<Node*>(result);
}

Node* converted_operator(OpExpr* node, const QueryLevel& level) {
  if (Oid opno = plaintext_operator(node->opno); OidIsValid(opno))
    return with_plain_operands(node, opno, level);
  set_opfuncid(node);
  List* arguments = plain_arguments(node->opfuncid, node->args, level);
  if (arguments == nullptr) return reinterpret_cast<Node*>(node);
  OpExpr* result = pg::flat_copy(node);
  result->args = arguments;
  return reinterpret_cast<Node*>(result);
}

}  // namespace nae::columns
