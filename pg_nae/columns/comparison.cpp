// Comparisons: equality of deterministic columns by ciphertext where both sides can be had under
// one key version, by plaintext where they cannot.
#include "pg_nae/columns/meaning.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

// What is compared, and how: OpExpr, DistinctExpr, NullIfExpr and ScalarArrayOpExpr are alike.
struct Comparison {
  Node* left;
  Node* right;
  Oid collation;
  bool negated;  // <>
};

int32 typmod_of(const Node* operand) {
  int32 typmod = exprTypmod(operand);
  if (find_column_type_of_array(exprType(operand)) == nullptr)
    getBaseTypeAndTypmod(exprType(operand), &typmod);
  return typmod;
}

bool is_encrypted(const Node* operand) {
  return type_of(operand) != nullptr || find_column_type_of_array(exprType(operand)) != nullptr;
}

// An operand of the plaintext type, or of one that the plaintext type takes, as a pending value.
Node* as_pending(Node* operand, const ColumnType& type) {
  bool is_array = OidIsValid(get_element_type(exprType(operand)));
  Oid plain = plain_oid(type.plain);
  Oid wanted = is_array ? get_array_type(plain) : plain;
  if (exprType(operand) != wanted)
    operand = coerce_to_target_type(nullptr, operand, exprType(operand), wanted, -1,
                                    COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
  if (!is_array) return pended(operand, type);
  FuncExpr* call = makeFuncExpr(type.pend_array, type.array_type, list_make1(operand), InvalidOid,
                                InvalidOid, COERCE_EXPLICIT_CALL);
  call->funccollid = exprCollation(operand);
  return reinterpret_cast<Node*>(call);
}

// An operand that is encrypted in the statement is looked for, not stored: a token does.
Node* unencrypted(Node* operand, int32& typmod) {
  if (!is_encryption(operand)) return operand;
  auto* call = reinterpret_cast<FuncExpr*>(operand);
  auto* modifier = static_cast<Node*>(lsecond(call->args));
  if (!IsA(modifier, Const)) return operand;
  typmod = DatumGetInt32(reinterpret_cast<Const*>(modifier)->constvalue);
  return static_cast<Node*>(linitial(call->args));
}

// Bytes that are equal for what the collation takes for equal.
bool is_by_bytes(Oid collation) {
  return !OidIsValid(collation) || get_collation_isdeterministic(collation);
}

// Brings both sides to ciphertexts of one key version; false when that cannot be.
bool by_ciphertext(Comparison& comparison, Place& place) {
  if (!is_by_bytes(comparison.collation)) return false;
  int32 left = typmod_of(comparison.left), right = typmod_of(comparison.right);
  Node* left_operand = unencrypted(comparison.left, left);
  Node* right_operand = unencrypted(comparison.right, right);
  int32 common = left >= 0 ? left : right;
  if (common < 0 || (left >= 0 && right >= 0 && left != right)) return false;
  if (left < 0 || left_operand != comparison.left)
    comparison.left = search_token(left_operand, common, place.may_sublink, place.has_sublink);
  if (right < 0 || right_operand != comparison.right)
    comparison.right = search_token(right_operand, common, place.may_sublink, place.has_sublink);
  return true;
}

Node* plaintext(Node* operand) {
  if (type_of(operand) != nullptr) return decrypted(operand);
  return find_column_type_of_array(exprType(operand)) != nullptr ? decrypted_array(operand)
                                                                 : operand;
}

Oid equality_of(Oid type, bool negated) {
  Oid equal = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
  return negated ? get_negator(equal) : equal;
}

// Which of ours an operator is, or nullptr: an operator between encrypted values, or one between an
// encrypted and a plain one.
const ColumnType* compared_type(Oid opno, const List* operands, bool& negated) {
  if (list_length(operands) != 2) return nullptr;
  auto* left = static_cast<Node*>(linitial(operands));
  auto* right = static_cast<Node*>(lsecond(operands));
  const ColumnType* type = type_of(left);
  if (type == nullptr) type = type_of(right);
  if (type == nullptr) type = find_column_type_of_array(exprType(right));
  if (type == nullptr || !type->deterministic) return nullptr;
  Oid left_type, right_type;
  op_input_types(opno, &left_type, &right_type);
  if (left_type != type->type && right_type != type->type) return nullptr;
  const char* name = get_opname(opno);
  negated = std::strcmp(name, "<>") == 0;
  return negated || std::strcmp(name, "=") == 0 ? type : nullptr;
}

// The operator that compares what the operands have become.
struct Chosen {
  Oid opno;
  List* operands;
  bool by_plaintext;
};

Chosen choose(const ColumnType& type, Comparison comparison, Place& place) {
  if (!is_encrypted(comparison.left)) comparison.left = as_pending(comparison.left, type);
  if (!is_encrypted(comparison.right)) comparison.right = as_pending(comparison.right, type);
  if (by_ciphertext(comparison, place))
    return {comparison.negated ? type.not_equal : type.equal,
            list_make2(comparison.left, comparison.right), false};
  return {equality_of(plain_oid(type.plain), comparison.negated),
          list_make2(plaintext(comparison.left), plaintext(comparison.right)), true};
}

Comparison comparison_of(const List* operands, Oid collation, bool negated) {
  return {static_cast<Node*>(linitial(operands)), static_cast<Node*>(lsecond(operands)), collation,
          negated};
}

Node* compared_operator(OpExpr* node, Place& place) {
  bool negated = false;
  const ColumnType* type = compared_type(node->opno, node->args, negated);
  if (type == nullptr) return reinterpret_cast<Node*>(node);
  Chosen chosen = choose(*type, comparison_of(node->args, node->inputcollid, negated), place);
  OpExpr* result = pg::flat_copy(node);
  result->opno = chosen.opno;
  result->opfuncid = InvalidOid;
  set_opfuncid(result);
  result->args = chosen.operands;
  if (!IsA(node, NullIfExpr) || !chosen.by_plaintext) return reinterpret_cast<Node*>(result);
  // Its result is its first operand.
  result->opresulttype = exprType(static_cast<Node*>(linitial(result->args)));
  return pended(reinterpret_cast<Node*>(result), *type);
}

Node* compared_array(ScalarArrayOpExpr* node, Place& place) {
  bool negated = false;
  const ColumnType* type = compared_type(node->opno, node->args, negated);
  if (type == nullptr) return reinterpret_cast<Node*>(node);
  Chosen chosen = choose(*type, comparison_of(node->args, node->inputcollid, negated), place);
  ScalarArrayOpExpr* result = pg::flat_copy(node);
  result->opno = chosen.opno;
  result->opfuncid = InvalidOid;
  set_sa_opfuncid(result);
  result->args = chosen.operands;
  return reinterpret_cast<Node*>(result);
}

// The greatest of ciphertexts is none of the plaintexts'.
Node* compared_extremes(MinMaxExpr* node) {
  const ColumnType* type = find_column_type(node->minmaxtype);
  if (type == nullptr) return reinterpret_cast<Node*>(node);
  MinMaxExpr* result = pg::flat_copy(node);
  result->minmaxtype = plain_oid(type->plain);
  result->minmaxcollid = get_typcollation(result->minmaxtype);
  result->args = NIL;
  ListCell* cell;
  foreach (cell, node->args)
    result->args = lappend(result->args, plaintext(static_cast<Node*>(lfirst(cell))));
  return pended(reinterpret_cast<Node*>(result), *type);
}

}  // namespace

Node* compared(Node* node, Place& place) {
  switch (nodeTag(node)) {
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr:
      return compared_operator(reinterpret_cast<OpExpr*>(node), place);
    case T_ScalarArrayOpExpr:
      return compared_array(reinterpret_cast<ScalarArrayOpExpr*>(node), place);
    case T_MinMaxExpr:
      return compared_extremes(reinterpret_cast<MinMaxExpr*>(node));
    default:
      return node;
  }
}

}  // namespace nae::columns
