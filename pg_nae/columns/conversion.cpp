// Conversions: where PostgreSQL would hand a ciphertext to code that takes any type, it gets the
// plaintext: I/O casts (ssn::varchar), to_json, format, concat, XML, rows made of columns. And an
// assignment between columns of different keys goes by the plaintext.
#include "pg_nae/columns/arguments.hpp"
#include "pg_nae/columns/operators.hpp"
#include "pg_nae/columns/rewrite.hpp"
#include "pg_nae/columns/sorting.hpp"
#include "pg_nae/columns/whole_row.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::columns {
namespace {

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
  linitial(result->args) = as_pending(decrypted_whole(value), *type_of(value));
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
    return as_pending(
        cast_to(plain_oid(other->plain), plain, COERCE_IMPLICIT_CAST, -1, exprCollation(plain)),
        *other);
  return cast_to(call->funcresulttype, plain, call->funcformat, call->location, call->funccollid);
}

// A value of another type than the plaintext's, made one of the encrypted type: by way of the
// plaintext's, which comparisons can look for.
Node* pending_of_other(FuncExpr* call) {
  const ColumnType* type = find_column_type(call->funcresulttype);
  if (type == nullptr || list_length(call->args) != 1 || call->funcid == type->pend) return nullptr;
  auto* value = static_cast<Node*>(linitial(call->args));
  bool casts = is_column_function(call->funcid) && call->funcformat != COERCE_EXPLICIT_CALL &&
               type_of(value) == nullptr && !OidIsValid(get_element_type(exprType(value)));
  if (!casts) return nullptr;
  Node* plain = cast_to(plain_oid(type->plain), value, COERCE_IMPLICIT_CAST, -1, call->funccollid);
  return as_pending(plain, *type);
}

Node* converted_call(FuncExpr* call, const QueryLevel& level) {
  auto* node = reinterpret_cast<Node*>(call);
  if (is_decryption(node)) {
    // With the column's modifier, which refuses another column's ciphertext.
    return list_length(call->args) == 1 ? decrypted(static_cast<Node*>(linitial(call->args)))
                                        : node;
  }
  if (is_encryption(node) && pg::is_planted("waiting value"))
    return static_cast<Node*>(linitial(call->args));
  if (is_encryption(node)) return encrypted_anew(call);
  if (Node* cast = cast_of_plaintext(call)) return cast;
  if (Node* pending = pending_of_other(call)) return pending;
  List* arguments = plain_arguments(call->funcid, call->args, level);
  if (arguments == nullptr) return node;
  FuncExpr* result = pg::flat_copy(call);
  result->args = arguments;
  return reinterpret_cast<Node*>(result);
}

Node* converted_window_function(WindowFunc* call, const QueryLevel& level) {
  List* arguments = plain_arguments(call->winfnoid, call->args, level);
  if (arguments == nullptr) return reinterpret_cast<Node*>(call);
  WindowFunc* result = pg::flat_copy(call);
  result->args = arguments;
  return reinterpret_cast<Node*>(result);
}

Node* converted_aggregate(Aggref* given, const QueryLevel& level) {
  auto* aggregate = reinterpret_cast<Aggref*>(arranged_aggregate(given));
  List* expressions = NIL;
  ListCell *cell, *target_cell;
  foreach (cell, aggregate->args)
    if (!lfirst_node(TargetEntry, cell)->resjunk)
      expressions = lappend(expressions, lfirst_node(TargetEntry, cell)->expr);
  List* arguments = plain_arguments(aggregate->aggfnoid, expressions, level);
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
Node* converted_by_text(CoerceViaIO* node, const QueryLevel& level) {
  auto* argument = reinterpret_cast<Node*>(node->arg);
  if (!is_readable(argument, level)) return reinterpret_cast<Node*>(node);
  Node* plain = readable(argument, level);
  Oid type = exprType(plain);
  if (can_coerce_type(1, &type, &node->resulttype, COERCION_EXPLICIT))
    return cast_to(node->resulttype, plain, node->coerceformat, node->location, node->resultcollid);
  CoerceViaIO* result = pg::flat_copy(node);
  result->arg = reinterpret_cast<Expr*>(plain);
  return reinterpret_cast<Node*>(result);
}

// The cast of an array decrypts element by element: one request for all of them does.
Node* converted_array(ArrayCoerceExpr* node) {
  auto* array = reinterpret_cast<Node*>(node->arg);
  bool decrypts = find_column_type_of_array(exprType(array)) != nullptr &&
                  is_decryption(reinterpret_cast<Node*>(node->elemexpr));
  return decrypts ? decrypted_array(array) : reinterpret_cast<Node*>(node);
}

Node* converted_xml(XmlExpr* node, const QueryLevel& level) {
  if (!has_readable(node->args, level) && !has_readable(node->named_args, level))
    return reinterpret_cast<Node*>(node);
  XmlExpr* result = pg::copy_of(node);
  ListCell* cell;
  foreach (cell, result->args) lfirst(cell) = readable(static_cast<Node*>(lfirst(cell)), level);
  foreach (cell, result->named_args)
    lfirst(cell) = readable(static_cast<Node*>(lfirst(cell)), level);
  return reinterpret_cast<Node*>(result);
}

// A sub-select's row, which has no named type, holds plaintexts wherever an expression hands it on:
// who takes it next cannot tell what is in it.
Node* converted_row(Node* node, const QueryLevel& level) {
  return exprType(node) == RECORDOID ? readable(node, level) : node;
}

// Its field is a plaintext, which becomes a value again where one is wanted.
Node* converted_field(FieldSelect* node) {
  const ColumnType* type = find_column_type(node->resulttype);
  if (type == nullptr || exprType(reinterpret_cast<Node*>(node->arg)) != RECORDOID)
    return reinterpret_cast<Node*>(node);
  FieldSelect* result = pg::flat_copy(node);
  result->resulttype = plain_oid(type->plain);
  result->resulttypmod = -1;
  result->resultcollid = get_typcollation(result->resulttype);
  return as_pending(reinterpret_cast<Node*>(result), *type);
}

#if PG_VERSION_NUM >= 160000
Node* converted_json(JsonConstructorExpr* node, const QueryLevel& level) {
  if (!has_readable(node->args, level)) return reinterpret_cast<Node*>(node);
  JsonConstructorExpr* result = pg::flat_copy(node);
  result->args = readable_list(node->args, level);
  return reinterpret_cast<Node*>(result);
}
#endif

}  // namespace

Node* converted(Node* node, QueryLevel& level) {
  switch (nodeTag(node)) {
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr:
      return converted_operator(reinterpret_cast<OpExpr*>(node), level);
    case T_ScalarArrayOpExpr:
      return converted_array_operator(reinterpret_cast<ScalarArrayOpExpr*>(node), level);
    case T_FuncExpr:
      return converted_call(reinterpret_cast<FuncExpr*>(node), level);
    case T_Aggref:
      return converted_aggregate(reinterpret_cast<Aggref*>(node), level);
    case T_WindowFunc:
      return converted_window_function(reinterpret_cast<WindowFunc*>(node), level);
    case T_CoerceViaIO:
      return converted_by_text(reinterpret_cast<CoerceViaIO*>(node), level);
    case T_ArrayCoerceExpr:
      return converted_array(reinterpret_cast<ArrayCoerceExpr*>(node));
#if PG_VERSION_NUM >= 160000
    case T_JsonConstructorExpr:
      return converted_json(reinterpret_cast<JsonConstructorExpr*>(node), level);
#endif
    case T_SubscriptingRef:
      return converted_subscript(reinterpret_cast<SubscriptingRef*>(node));
    case T_Var:
      return converted_row(node, level);
    case T_FieldSelect:
      return converted_field(reinterpret_cast<FieldSelect*>(node));
    case T_XmlExpr:
      return converted_xml(reinterpret_cast<XmlExpr*>(node), level);
    default:
      return node;
  }
}

}  // namespace nae::columns
