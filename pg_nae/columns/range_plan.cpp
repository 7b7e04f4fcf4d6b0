#include "pg_nae/columns/range_plan.hpp"

#include <algorithm>
#include <utility>

#include "pg_nae/columns/range_bound.hpp"
#include "pg_nae/columns/search_functions.hpp"
#include "pg_nae/columns/searched_operand.hpp"

extern "C" {
#include "access/stratnum.h"
#include "optimizer/optimizer.h"
#include "utils/typcache.h"
}

namespace nae::columns {
namespace {

struct ColumnRange {
  Var* column;
  SearchedColumn searched;
  Node *low, *high;  // nullptr: there is none
};

struct Ranges {
  Query* query;
  List* found;  // of ColumnRange
};

// A column of integers is compared with any integer, and so are floats; other types with their own.
bool are_of_one_order(Oid left, Oid right) {
  const auto are_both = [&](std::initializer_list<Oid> types) {
    return std::find(types.begin(), types.end(), left) != types.end() &&
           std::find(types.begin(), types.end(), right) != types.end();
  };
  PlainType plain;
  return are_both({INT2OID, INT4OID, INT8OID}) || are_both({FLOAT4OID, FLOAT8OID}) ||
         (left == right && find_bound_type(left, plain));
}

// The strategy of a comparison in PostgreSQL's own order of its left operand's type; 0: it is none.
int strategy_of(Oid operation) {
  Oid left, right;
  op_input_types(operation, &left, &right);
  if (!OidIsValid(left) || !are_of_one_order(left, right)) return 0;
  return get_op_opfamily_strategy(operation,
                                  lookup_type_cache(left, TYPECACHE_BTREE_OPFAMILY)->btree_opf);
}

bool is_bound(Node* operand) {
  PlainType plain;
  return find_bound_type(exprType(operand), plain) && is_same_each_time(operand);
}

ColumnRange* range_of(Ranges& ranges, Var* column) {
  ListCell* cell;
  foreach (cell, ranges.found) {
    auto* range = static_cast<ColumnRange*>(lfirst(cell));
    if (range->column->varno == column->varno && range->column->varattno == column->varattno)
      return range;
  }
  auto* range = static_cast<ColumnRange*>(palloc0(sizeof(ColumnRange)));
  range->column = column;
  if (!find_searched_column(ranges.query, column, range->searched) || !range->searched.is_bucket)
    return nullptr;
  ranges.found = lappend(ranges.found, range);
  return range;
}

// The first bound of each side is taken: a second one is a condition as any other.
void add_bound(ColumnRange& range, int strategy, Node* bound) {
  const bool is_low = strategy >= BTEqualStrategyNumber,
             is_high = strategy <= BTEqualStrategyNumber;
  if (is_low && range.low == nullptr) range.low = bound;
  if (is_high && range.high == nullptr) range.high = bound;
}

void add_comparison(Ranges& ranges, const OpExpr* comparison) {
  if (list_length(comparison->args) != 2) return;
  auto* left = static_cast<Node*>(linitial(comparison->args));
  auto* right = static_cast<Node*>(lsecond(comparison->args));
  Oid operation = comparison->opno;
  Var* column = searched_operand(left);
  if (column == nullptr) {
    column = searched_operand(right);
    std::swap(left, right);
    operation = column == nullptr ? InvalidOid : get_commutator(operation);
  }
  if (!OidIsValid(operation) || !is_bound(right)) return;
  const int strategy = strategy_of(operation);
  ColumnRange* range = strategy == 0 ? nullptr : range_of(ranges, column);
  if (range != nullptr) add_bound(*range, strategy, right);
}

void add_conditions(Ranges& ranges, List* conditions) {
  ListCell* cell;
  foreach (cell, conditions) {
    auto* condition = static_cast<Node*>(lfirst(cell));
    if (condition == nullptr) continue;
    if (IsA(condition, List))
      add_conditions(ranges, reinterpret_cast<List*>(condition));
    else if (is_andclause(condition))
      add_conditions(ranges, reinterpret_cast<BoolExpr*>(condition)->args);
    else if (IsA(condition, OpExpr))
      add_comparison(ranges, reinterpret_cast<OpExpr*>(condition));
  }
}

// A constant whose type an operator made wider. All else may be guarded by a condition that is
// simplified away before it is computed, and fail when it is computed here.
bool is_wider_constant(const Node* bound) {
  while (IsA(bound, FuncExpr)) {
    const auto* call = reinterpret_cast<const FuncExpr*>(bound);
    if (call->funcformat != COERCE_IMPLICIT_CAST || list_length(call->args) != 1) return false;
    bound = static_cast<const Node*>(linitial(call->args));
  }
  return IsA(bound, Const);
}

Node* bound_or_none(Node* bound) {
  if (bound == nullptr) return reinterpret_cast<Node*>(makeNullConst(kNoBound, -1, InvalidOid));
  auto* copy = static_cast<Node*>(copyObjectImpl(bound));
  return is_wider_constant(bound) ? eval_const_expressions(nullptr, copy) : copy;
}

// Of constants it is known now how many buckets there are.
Node* condition_of_range(const ColumnRange& range, QueryLevel& level) {
  Node* low = bound_or_none(range.low);
  Node* high = bound_or_none(range.high);
  if (IsA(low, Const) && IsA(high, Const) &&
      !may_serve_range(range.searched, reinterpret_cast<Const*>(low),
                       reinterpret_cast<Const*>(high)))
    return nullptr;
  return codes_condition(any_code_operator(), range.column, range.searched,
                         range_call(range.searched, low, high), level);
}

}  // namespace

List* range_conditions(Query* query, QueryLevel& level, List* conditions) {
  Ranges ranges{query, NIL};
  add_conditions(ranges, conditions);
  List* found = NIL;
  ListCell* cell;
  foreach (cell, ranges.found) {
    Node* condition = condition_of_range(*static_cast<ColumnRange*>(lfirst(cell)), level);
    if (condition != nullptr) found = lappend(found, condition);
  }
  return found;
}

}  // namespace nae::columns
