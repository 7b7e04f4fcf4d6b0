// Comparisons. PostgreSQL resolves ssn = 'x' to a comparison of plaintexts, nae_internal.plain(ssn)
// = 'x'. Of a deterministic column it becomes one of ciphertexts where both sides can be had under
// one key version; otherwise it stays what it is, right and slower.
#include "pg_nae/columns/rewrite.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::columns {
namespace {

// What is compared: OpExpr, DistinctExpr and ScalarArrayOpExpr are alike.
struct Comparison {
  Node* left;
  Node* right;
  bool negated;  // <>
};

// The operand of a decryption, of an array or a single value; nullptr when it is none.
Node* stored_operand(Node* operand) {
  if (!IsA(operand, FuncExpr)) return nullptr;
  auto* call = reinterpret_cast<FuncExpr*>(operand);
  if (call->args == NIL) return nullptr;
  auto* stored = static_cast<Node*>(linitial(call->args));
  if (is_decryption(operand)) return stored;
  const ColumnType* array = find_column_type_of_array(exprType(stored));
  return array != nullptr && call->funcid == array->decrypt_array ? stored : nullptr;
}

int32 typmod_of(const Node* stored) {
  const bool is_array = find_column_type_of_array(exprType(stored)) != nullptr;
  return is_array ? exprTypmod(stored) : typmod_below_domain(stored);
}

const ColumnType* value_type(const Node* stored) {
  const ColumnType* type = type_of(stored);
  return type != nullptr ? type : find_column_type_of_array(exprType(stored));
}

// The deterministic column whose comparison this is, by its stored value; nullptr.
Node* column_in(Node* operand, const ColumnType*& type) {
  Node* stored = stored_operand(operand);
  if (stored == nullptr || typmod_of(stored) < 0) return nullptr;
  const ColumnType* found = value_type(stored);
  if (!found->deterministic || is_encryption(stored)) return nullptr;
  type = found;
  return stored;
}

// 5 is an int4, also beside an int2: the same number as a literal of the column's type. nullptr for
// what is no integer literal, and for numbers that the type does not have.
Node* integer_literal(Node* operand, Oid wanted) {
  if (!IsA(operand, Const)) return nullptr;
  auto* constant = reinterpret_cast<Const*>(operand);
  if (constant->constisnull) return nullptr;
  std::int64_t value;
  switch (constant->consttype) {
    case INT4OID:
      value = DatumGetInt32(constant->constvalue);
      break;
    case INT8OID:
      value = DatumGetInt64(constant->constvalue);
      break;
    default:
      return nullptr;
  }
  if (wanted == INT2OID && value == static_cast<std::int16_t>(value))
    return reinterpret_cast<Node*>(makeConst(INT2OID, -1, InvalidOid, sizeof(std::int16_t),
                                             Int16GetDatum(static_cast<std::int16_t>(value)), false,
                                             true));
  if (wanted == INT4OID && value == static_cast<std::int32_t>(value))
    return reinterpret_cast<Node*>(makeConst(INT4OID, -1, InvalidOid, sizeof(std::int32_t),
                                             Int32GetDatum(static_cast<std::int32_t>(value)), false,
                                             true));
  return nullptr;
}

// The operand as the plaintext type or an array of it; nullptr when a value of it may have no equal
// there, as an int8 beyond the int4s.
Node* as_plaintext(Node* operand, const ColumnType& type) {
  bool is_array = OidIsValid(get_element_type(exprType(operand)));
  Oid plain = plain_oid(type.plain);
  Oid wanted = is_array ? get_array_type(plain) : plain;
  if (exprType(operand) == wanted) return operand;
  if (!can_coerce_type(1, std::initializer_list<Oid>{exprType(operand)}.begin(), &wanted,
                       COERCION_IMPLICIT))
    return integer_literal(operand, wanted);
  return coerce_to_target_type(nullptr, operand, exprType(operand), wanted, -1, COERCION_IMPLICIT,
                               COERCE_IMPLICIT_CAST, -1);
}

Node* pending_value_or_array(Node* plaintext, const ColumnType& type) {
  if (!OidIsValid(get_element_type(exprType(plaintext)))) return as_pending(plaintext, type);
  FuncExpr* call = makeFuncExpr(type.pend_array, type.array_type, list_make1(plaintext), InvalidOid,
                                InvalidOid, COERCE_EXPLICIT_CALL);
  call->funccollid = exprCollation(plaintext);
  return reinterpret_cast<Node*>(call);
}

// What was a plaintext in the statement, or comes as a parameter: no ciphertext of any column. That
// a parameter is none of another key is looked at when it is there.
bool is_unstored(Node* operand, const ColumnType& type) {
  switch (nodeTag(operand)) {
    case T_Const:
    case T_CoerceViaIO:
      return true;
    case T_Param:
      return reinterpret_cast<Param*>(operand)->paramkind == PARAM_EXTERN;
    case T_FuncExpr: {
      Oid function = reinterpret_cast<FuncExpr*>(operand)->funcid;
      return function == type.pend || function == type.pend_array;
    }
    case T_ArrayExpr: {
      ListCell* cell;
      foreach (cell, reinterpret_cast<ArrayExpr*>(operand)->elements)
        if (!is_unstored(static_cast<Node*>(lfirst(cell)), type)) return false;
      return true;
    }
    default:
      return false;
  }
}

// An operand as a ciphertext under the key of `typmod`; nullptr when it cannot be one: a column of
// another key, context or version has other ciphertexts for the same values.
Node* as_ciphertext(Node* operand, const ColumnType& type, int32 typmod, QueryLevel& level) {
  Node* stored = stored_operand(operand);
  if (stored == nullptr) {
    Node* plaintext = as_plaintext(operand, type);
    if (plaintext == nullptr) return nullptr;
    stored = pending_value_or_array(plaintext, type);
  } else {
    if (value_type(stored) != &type) return nullptr;
    const int32 own = typmod_of(stored);
    if (own >= 0 && own != typmod && pg::is_planted("other keys")) return stored;
    if (own >= 0 && own != typmod) return nullptr;
    // What is encrypted in the statement is looked for, not stored.
    if (is_encryption(stored))
      stored = static_cast<Node*>(linitial(reinterpret_cast<FuncExpr*>(stored)->args));
    else if (own == typmod)
      return stored;
    else if (!is_unstored(stored, type))
      return nullptr;  // of a column whose key is not known here
  }
  return search_token(stored, typmod, level.may_sublink, level.has_sublink);
}

// Brings both sides to ciphertexts of one key version; false when that cannot be.
bool by_ciphertext(Comparison& comparison, const ColumnType*& type, QueryLevel& level) {
  Node* left = column_in(comparison.left, type);
  Node* right = left == nullptr ? column_in(comparison.right, type) : nullptr;
  Node* column = left != nullptr ? left : right;
  if (column == nullptr) return false;
  const bool had_sublink = level.has_sublink;
  Node* other = as_ciphertext(left != nullptr ? comparison.right : comparison.left, *type,
                              typmod_of(column), level);
  if (other == nullptr) {
    level.has_sublink = had_sublink;
    return false;
  }
  comparison.left = left != nullptr ? column : other;
  comparison.right = left != nullptr ? other : column;
  return true;
}

bool is_equality(Oid opno, Oid plain_type) {
  TypeCacheEntry* entry = lookup_type_cache(plain_type, TYPECACHE_BTREE_OPFAMILY);
  return get_op_opfamily_strategy(opno, entry->btree_opf) == BTEqualStrategyNumber;
}

// Whether the operator is = or <> of the type that one of its operands was decrypted to, and
// compares bytes: other collations have other equals.
bool is_comparison(Oid opno, Oid collation, const List* operands, Comparison& comparison) {
  if (list_length(operands) != 2) return false;
  comparison.left = static_cast<Node*>(linitial(operands));
  comparison.right = static_cast<Node*>(lsecond(operands));
  Node* stored = stored_operand(comparison.left);
  if (stored == nullptr) stored = stored_operand(comparison.right);
  if (stored == nullptr) return false;
  if (OidIsValid(collation) && !get_collation_isdeterministic(collation)) return false;
  Oid plain = plain_oid(value_type(stored)->plain);
  comparison.negated = !is_equality(opno, plain);
  if (!comparison.negated) return true;
  Oid negator = get_negator(opno);
  return OidIsValid(negator) && is_equality(negator, plain);
}

template <class Operator>
Node* compared_operator(Operator* node, QueryLevel& level) {
  Comparison comparison;
  const ColumnType* type = nullptr;
  if (!is_comparison(node->opno, node->inputcollid, node->args, comparison) ||
      !by_ciphertext(comparison, type, level))
    return reinterpret_cast<Node*>(node);
  Operator* result = pg::flat_copy(node);
  result->opno = comparison.negated ? type->not_equal : type->equal;
  result->opfuncid = get_opcode(result->opno);
  result->args = list_make2(comparison.left, comparison.right);
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
  foreach (cell, node->args) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    result->args =
        lappend(result->args, type_of(argument) != nullptr ? decrypted(argument) : argument);
  }
  return stored_again(reinterpret_cast<Node*>(result), *type,
                      exprTypmod(reinterpret_cast<Node*>(node)));
}

}  // namespace

Node* compared(Node* node, QueryLevel& level) {
  switch (nodeTag(node)) {
    case T_OpExpr:
    case T_DistinctExpr:
      return compared_operator(reinterpret_cast<OpExpr*>(node), level);
    case T_ScalarArrayOpExpr:
      return compared_operator(reinterpret_cast<ScalarArrayOpExpr*>(node), level);
    case T_MinMaxExpr:
      return compared_extremes(reinterpret_cast<MinMaxExpr*>(node));
    default:
      return node;
  }
}

}  // namespace nae::columns
