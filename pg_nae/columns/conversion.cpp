// Conversions: where PostgreSQL would hand a ciphertext to code that takes any type, it gets the
// plaintext: I/O casts (ssn::varchar), to_json, format, concat, XML, rows made of columns. And an
// assignment between columns of different keys goes by the plaintext.
#include <algorithm>

#include "pg_nae/columns/conversion.hpp"

#include "pg_nae/columns/meaning.hpp"
#include "pg_nae/columns/sorting.hpp"
#include "pg_nae/columns/whole_row.hpp"
#include "pg_nae/pg/extension.hpp"

namespace nae::columns {
namespace {

// Of pg_catalog, whatever the search path of who plans the query.
List* in_catalog(char* name) {
  return list_make2(makeString(const_cast<char*>("pg_catalog")), makeString(name));
}

bool takes_any_type(Oid parameter) {
  return parameter == ANYOID || parameter == RECORDOID || IsPolymorphicType(parameter);
}

struct Signature {
  int count;
  Oid parameters[FUNC_MAX_ARGS];
  bool result_follows;  // its type follows from an argument's: it hands values on
};

Signature signature_of(Oid function) {
  Signature signature{};
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return signature;
  auto* row = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  signature.count = row->pronargs;
  for (int i = 0; i < row->pronargs; ++i) signature.parameters[i] = row->proargtypes.values[i];
  signature.result_follows = IsPolymorphicType(row->prorettype);
  ReleaseSysCache(tuple);
  return signature;
}

// Behind the last parameter come more of it: VARIADIC.
bool takes_any_type(const Signature& signature, int position) {
  return signature.count > 0 &&
         takes_any_type(signature.parameters[std::min(position, signature.count - 1)]);
}

bool has_readable(List* arguments, const Place& place) {
  ListCell* cell;
  foreach (cell, arguments) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    if (IsA(argument, TargetEntry))
      argument = reinterpret_cast<Node*>(reinterpret_cast<TargetEntry*>(argument)->expr);
    if (is_readable(argument, place)) return true;
  }
  return false;
}

// nullptr: they stay.
List* plain_arguments(Oid function, List* arguments, const Place& place) {
  if (!has_readable(arguments, place) || looks_at_storage(function)) return nullptr;
  Signature signature = signature_of(function);
  if (signature.result_follows) return nullptr;
  List* result = NIL;
  ListCell* cell;
  foreach (cell, arguments) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    bool any = takes_any_type(signature, list_length(result));
    result = lappend(result, any ? readable(argument, place) : argument);
  }
  return result;
}

// From a column of another key the plaintext is taken, by whoever may do both.
Node* encrypted_anew(FuncExpr* call) {
  auto* value = static_cast<Node*>(linitial(call->args));
  auto* modifier = static_cast<Node*>(lsecond(call->args));
  const int32 own = typmod_below_domain(value);
  bool differs = own >= 0 && IsA(modifier, Const) &&
                 DatumGetInt32(reinterpret_cast<Const*>(modifier)->constvalue) != own;
  if (!differs || is_encryption(value)) return reinterpret_cast<Node*>(call);
  FuncExpr* result = pg::flat_copy(call);
  result->args = list_copy(call->args);
  linitial(result->args) = pended(decrypted_whole(value), *type_of(value));
  return reinterpret_cast<Node*>(result);
}

// A plaintext as the cast of `form` makes it, with the collation that was found for that.
Node* cast_to(Oid type, Node* plain, CoercionForm form, int location, Oid collation) {
  Node* cast = coerce_to_target_type(nullptr, plain, exprType(plain), type, -1, COERCION_EXPLICIT,
                                     form, location);
  exprSetCollation(cast, collation);
  return cast;
}

// A cast of the encrypted type to another than its plaintext type, by way of that; nullptr for
// calls that are none.
Node* cast_of_plaintext(FuncExpr* call) {
  if (list_length(call->args) != 1) return nullptr;
  auto* value = static_cast<Node*>(linitial(call->args));
  const ColumnType* type = type_of(value);
  if (type == nullptr || !is_cast_of(*type, call->funcid)) return nullptr;
  Node* plain = decrypted(value);
  if (const ColumnType* other = find_column_type(call->funcresulttype))
    return pended(plain, *other);
  return cast_to(call->funcresulttype, plain, call->funcformat, call->location, call->funccollid);
}

Node* converted_call(FuncExpr* call, const Place& place) {
  auto* node = reinterpret_cast<Node*>(call);
  if (is_decryption(node)) {
    // With the column's modifier, which refuses another column's ciphertext.
    return list_length(call->args) == 1 ? decrypted(static_cast<Node*>(linitial(call->args)))
                                        : node;
  }
  if (is_encryption(node)) return encrypted_anew(call);
  if (Node* cast = cast_of_plaintext(call)) return cast;
  List* arguments = plain_arguments(call->funcid, call->args, place);
  if (arguments == nullptr) return node;
  FuncExpr* result = pg::flat_copy(call);
  result->args = arguments;
  return reinterpret_cast<Node*>(result);
}

Node* converted_window_function(WindowFunc* call, const Place& place) {
  List* arguments = plain_arguments(call->winfnoid, call->args, place);
  if (arguments == nullptr) return reinterpret_cast<Node*>(call);
  WindowFunc* result = pg::flat_copy(call);
  result->args = arguments;
  return reinterpret_cast<Node*>(result);
}

Node* converted_aggregate(Aggref* given, const Place& place) {
  auto* aggregate = reinterpret_cast<Aggref*>(arranged_aggregate(given));
  List* expressions = NIL;
  ListCell *cell, *target_cell;
  foreach (cell, aggregate->args)
    if (!lfirst_node(TargetEntry, cell)->resjunk)
      expressions = lappend(expressions, lfirst_node(TargetEntry, cell)->expr);
  List* arguments = plain_arguments(aggregate->aggfnoid, expressions, place);
  if (arguments == nullptr) return reinterpret_cast<Node*>(aggregate);
  Aggref* result = pg::copy_of(aggregate);
  int direct = list_length(result->aggdirectargs);
  forboth(cell, arguments, target_cell, result->args) {
    auto* target = lfirst_node(TargetEntry, target_cell);
    target->expr = static_cast<Expr*>(lfirst(cell));
    list_nth_cell(result->aggargtypes, direct + target->resno - 1)->oid_value =
        exprType(reinterpret_cast<Node*>(target->expr));
  }
  return reinterpret_cast<Node*>(result);
}

// As the plaintext type casts: true::text is "true", its output "t".
Node* converted_by_text(CoerceViaIO* node, const Place& place) {
  auto* argument = reinterpret_cast<Node*>(node->arg);
  if (!is_readable(argument, place)) return reinterpret_cast<Node*>(node);
  Node* plain = readable(argument, place);
  Oid type = exprType(plain);
  if (can_coerce_type(1, &type, &node->resulttype, COERCION_EXPLICIT))
    return cast_to(node->resulttype, plain, node->coerceformat, node->location, node->resultcollid);
  CoerceViaIO* result = pg::flat_copy(node);
  result->arg = reinterpret_cast<Expr*>(plain);
  return reinterpret_cast<Node*>(result);
}

// An operator that PostgreSQL finds by the encrypted type on both sides stands for the one of the
// plaintext type, which is found alike: born < '2001-01-01'. InvalidOid for other operators.
Oid operator_of_plaintexts(Oid opno, const ColumnType*& type) {
  Oid left, right;
  op_input_types(opno, &left, &right);
  type = left == right ? find_column_type(left) : nullptr;
  if (type == nullptr || get_func_namespace(get_opcode(opno)) != pg::column_schema() ||
      opno == type->equal || opno == type->not_equal)
    return InvalidOid;
  Oid plain = plain_oid(type->plain);
  return OpernameGetOprid(in_catalog(get_opname(opno)), plain, plain);
}

List* plain_operands(List* operands, const Place& place) {
  List* result = NIL;
  ListCell* cell;
  foreach (cell, operands)
    result = lappend(result, readable(static_cast<Node*>(lfirst(cell)), place));
  return result;
}

// The result of NULLIF is its first operand, and of the type that the parser has promised.
Node* with_plain_operands(OpExpr* node, Oid opno, const ColumnType& type, const Place& place) {
  OpExpr* result = pg::flat_copy(node);
  result->opno = opno;
  result->opfuncid = get_opcode(opno);
  result->args = plain_operands(node->args, place);
  if (!IsA(node, NullIfExpr)) return reinterpret_cast<Node*>(result);
  result->opresulttype = plain_oid(type.plain);
  return pended(reinterpret_cast<Node*>(result), type);
}

Node* converted_array_operator(ScalarArrayOpExpr* node, const Place& place) {
  const ColumnType* type;
  Oid opno = operator_of_plaintexts(node->opno, type);
  if (!OidIsValid(opno)) return reinterpret_cast<Node*>(node);
  ScalarArrayOpExpr* result = pg::flat_copy(node);
  result->opno = opno;
  result->opfuncid = get_opcode(opno);
  result->args = plain_operands(node->args, place);
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

// The cast of an array decrypts element by element: one request for all of them does.
Node* converted_array(ArrayCoerceExpr* node) {
  auto* array = reinterpret_cast<Node*>(node->arg);
  bool decrypts = find_column_type_of_array(exprType(array)) != nullptr &&
                  is_decryption(reinterpret_cast<Node*>(node->elemexpr));
  return decrypts ? decrypted_array(array) : reinterpret_cast<Node*>(node);
}

Node* converted_xml(XmlExpr* node, const Place& place) {
  if (!has_readable(node->args, place) && !has_readable(node->named_args, place))
    return reinterpret_cast<Node*>(node);
  XmlExpr* result = pg::copy_of(node);
  ListCell* cell;
  foreach (cell, result->args) lfirst(cell) = readable(static_cast<Node*>(lfirst(cell)), place);
  foreach (cell, result->named_args)
    lfirst(cell) = readable(static_cast<Node*>(lfirst(cell)), place);
  return reinterpret_cast<Node*>(result);
}

#if PG_VERSION_NUM >= 160000
Node* converted_json(JsonConstructorExpr* node, const Place& place) {
  if (!has_readable(node->args, place)) return reinterpret_cast<Node*>(node);
  JsonConstructorExpr* result = pg::flat_copy(node);
  result->args = plain_operands(node->args, place);
  return reinterpret_cast<Node*>(result);
}
#endif

}  // namespace

bool looks_at_storage(Oid function) {
  constexpr Oid kFunctions[] = {
      F_RECORD_IMAGE_EQ, F_RECORD_IMAGE_NE,       F_RECORD_IMAGE_LT, F_RECORD_IMAGE_GT,
      F_RECORD_IMAGE_LE, F_RECORD_IMAGE_GE,       F_COUNT_ANY,       F_PG_TYPEOF,
      F_PG_COLUMN_SIZE,  F_PG_COLUMN_COMPRESSION, F_NUM_NULLS,       F_NUM_NONNULLS};
  for (Oid known : kFunctions)
    if (function == known) return true;
  return false;
}

Node* converted(Node* node, Place& place) {
  switch (nodeTag(node)) {
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr:
      return converted_operator(reinterpret_cast<OpExpr*>(node), place);
    case T_ScalarArrayOpExpr:
      return converted_array_operator(reinterpret_cast<ScalarArrayOpExpr*>(node), place);
    case T_FuncExpr:
      return converted_call(reinterpret_cast<FuncExpr*>(node), place);
    case T_Aggref:
      return converted_aggregate(reinterpret_cast<Aggref*>(node), place);
    case T_WindowFunc:
      return converted_window_function(reinterpret_cast<WindowFunc*>(node), place);
    case T_CoerceViaIO:
      return converted_by_text(reinterpret_cast<CoerceViaIO*>(node), place);
    case T_ArrayCoerceExpr:
      return converted_array(reinterpret_cast<ArrayCoerceExpr*>(node));
#if PG_VERSION_NUM >= 160000
    case T_JsonConstructorExpr:
      return converted_json(reinterpret_cast<JsonConstructorExpr*>(node), place);
#endif
    case T_XmlExpr:
      return converted_xml(reinterpret_cast<XmlExpr*>(node), place);
    default:
      return node;
  }
}

}  // namespace nae::columns
