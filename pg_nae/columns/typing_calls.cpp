// Calls and operators: what they are given is what they are declared for.
#include <algorithm>

#include "pg_nae/columns/arguments.hpp"
#include "pg_nae/columns/declared.hpp"
#include "pg_nae/columns/operators.hpp"
#include "pg_nae/columns/typing_level.hpp"
#include "pg_nae/columns/utility.hpp"

namespace nae::columns {
namespace {

// Of PostgreSQL's own functions for any type, those that hand a value on without looking at it.
bool hands_on(Oid function) {
  constexpr Oid kFunctions[] = {
      F_FIRST_VALUE,     F_LAST_VALUE,           F_NTH_VALUE,
      F_LAG_ANYELEMENT,  F_LAG_ANYELEMENT_INT4,  F_LAG_ANYCOMPATIBLE_INT4_ANYCOMPATIBLE,
      F_LEAD_ANYELEMENT, F_LEAD_ANYELEMENT_INT4, F_LEAD_ANYCOMPATIBLE_INT4_ANYCOMPATIBLE};
  for (Oid known : kFunctions)
    if (function == known) return true;
  return false;
}

// A function in SQL or PL/pgSQL for any type is resolved anew for the type that it gets.
bool may_take_stored(Oid function, const DeclaredFunction& declared) {
  return !declared.in_native_code || looks_at_storage(function) || hands_on(function) ||
         is_column_function(function);
}

bool fits(Oid function, const DeclaredFunction& declared, int position, Node* argument) {
  Oid parameter = declared.types[position];
  Oid type = exprType(argument);
  if (declared.pseudo[position])
    return !holds_encrypted(type) || may_take_stored(function, declared) ||
           // A row that another of its type is made from, as by jsonb_populate_record(): fields
           // that come from elsewhere are read by input functions, which encrypt.
           (declared.follows && is_encrypted_row(type));
  if (type == parameter) return true;
  return find_column_type(parameter) == nullptr && !holds_encrypted(type)
             ? IsBinaryCoercible(type, parameter)
             : getBaseType(type) == parameter;
}

// A sub-select that is one value has its output's; a search token the key that it was made for.
int32 key_of(const Node* operand) {
  if (IsA(operand, FuncExpr)) {
    auto* call = reinterpret_cast<const FuncExpr*>(operand);
    const ColumnType* type = find_column_type(call->funcresulttype);
    if (type == nullptr) type = find_column_type_of_array(call->funcresulttype);
    bool token = type != nullptr &&
                 (call->funcid == type->search_token || call->funcid == type->search_token_array);
    auto* typmod = token ? static_cast<Node*>(lsecond(call->args)) : nullptr;
    if (typmod != nullptr && IsA(typmod, Const))
      return DatumGetInt32(reinterpret_cast<Const*>(typmod)->constvalue);
  }
  if (IsA(operand, SubLink)) {
    auto* sublink = reinterpret_cast<const SubLink*>(operand);
    auto* query = castNode(Query, sublink->subselect);
    if (sublink->subLinkType == EXPR_SUBLINK && query->targetList != NIL)
      return key_of(reinterpret_cast<Node*>(pg::target_at(query->targetList, 1)->expr));
  }
  if (IsA(operand, ArrayExpr)) {
    int32 common = -1;
    ListCell* cell;
    foreach (cell, reinterpret_cast<const ArrayExpr*>(operand)->elements) {
      int32 own = key_of(static_cast<Node*>(lfirst(cell)));
      if (own < 0 || (common >= 0 && own != common)) return -1;
      common = own;
    }
    return common;
  }
  return type_of(operand) != nullptr || find_column_type_of_array(exprType(operand)) == nullptr
             ? typmod_below_domain(operand)
             : exprTypmod(operand);
}

bool is_given(const Node* node) {
  return IsA(node, Param) && reinterpret_cast<const Param*>(node)->paramkind == PARAM_EXTERN;
}

void check_ciphertexts(const TypingLevel& level, const Node* node, Oid opno, const List* operands) {
  auto* left = static_cast<Node*>(linitial(operands));
  auto* right = static_cast<Node*>(lsecond(operands));
  const ColumnType* type = type_of(left);
  if (type == nullptr || !type->deterministic || (opno != type->equal && opno != type->not_equal))
    refuse_typing(level, node, "values are compared as they are stored");
  if (is_null_constant(left) || is_null_constant(right)) return;
  // A foreign key is checked by parameters and while a column's type changes; what they bring is
  // looked at when it is compared, and the guard looks at the declarations.
  if (is_given(left) || is_given(right) || rewrites_table()) return;
  int32 key = key_of(left);
  if (key < 0 || key != key_of(right))
    refuse_typing(level, node, "ciphertexts are compared that need not be of one key");
}

}  // namespace

void check_call(const TypingLevel& level, const Node* node, Oid function, const List* arguments) {
  if (arguments == NIL) return;
  const DeclaredFunction* declared = declared_function(function);
  if (declared == nullptr) elog(ERROR, "function %u is not there", function);
  if (declared->count == 0) return;  // VARIADIC "any" has one
  int position = 0;
  ListCell* cell;
  foreach (cell, arguments) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    if (IsA(argument, TargetEntry)) {
      auto* target = reinterpret_cast<TargetEntry*>(argument);
      // ORDER BY of an aggregate, which hands it nothing.
      if (target->resjunk) continue;
      argument = reinterpret_cast<Node*>(target->expr);
    }
    if (IsA(argument, NamedArgExpr)) continue;  // checked when its place is known
    const int declared_at = std::min(position++, declared->count - 1);
    if (!fits(function, *declared, declared_at, argument))
      refuse_typing(level, node,
                    psprintf("function %s is given an encrypted value that it is not declared for",
                             quote_identifier(get_func_name(function))));
  }
}

void check_operator(const TypingLevel& level, const Node* node, Oid opno, const List* operands) {
  if (list_length(operands) == 2 && is_operator_of_ciphertexts(opno))
    return check_ciphertexts(level, node, opno, operands);
  if (IsA(node, ScalarArrayOpExpr)) {
    auto* array = static_cast<Node*>(lsecond(operands));
    if (holds_encrypted(exprType(array)) ||
        holds_encrypted(exprType(static_cast<Node*>(linitial(operands)))))
      refuse_typing(level, node, "an encrypted value is compared with an array");
    return;
  }
  // What is executed is the function that stands beside the operator, where one does already.
  Oid function = reinterpret_cast<const OpExpr*>(node)->opfuncid;
  check_call(level, node, OidIsValid(function) ? function : get_opcode(opno), operands);
}

}  // namespace nae::columns
