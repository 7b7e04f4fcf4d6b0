#include "pg_nae/columns/search_plan.hpp"

#include "libnae/search/pattern.hpp"
#include "pg_nae/columns/coding.hpp"
#include "pg_nae/columns/range_plan.hpp"
#include "pg_nae/columns/search_functions.hpp"
#include "pg_nae/columns/searched_operand.hpp"

extern "C" {
#include "catalog/pg_collation.h"
}

namespace nae::columns {
namespace {

using search::Condition;

// An IN list is looked for value by value, each a question of its own: of long ones all rows are
// looked at.
constexpr int kMostListed = 32;

struct Searching {
  Query* query;
  QueryLevel* level;
};

// A constant of type text without what relabels it; one of varchar is a text by its label alone.
Node* text_operand(Node* node) {
  Node* bare = without_label(node);
  return exprType(bare) == TEXTOID ? bare : node;
}

// Of the operators and functions of PostgreSQL's, as they are for texts.
bool condition_of(Oid function, Condition& condition) {
  switch (function) {
    case F_TEXTEQ:
      condition = Condition::equal;
      return true;
    case F_TEXTLIKE:
    case F_LIKE_TEXT_TEXT:
      condition = Condition::like;
      return true;
    case F_TEXTICLIKE:
      condition = Condition::ilike;
      return true;
    case F_STARTS_WITH:
      condition = Condition::prefix;
      return true;
    default:
      if (function != words_condition()) return false;
      condition = Condition::words;
      return true;
  }
}

// codes @> (SELECT nae_internal.search_for(…)), or nullptr where the index does not serve it.
Node* by_codes(const Searching& searching, Var* column, Condition condition, Node* text,
               Oid collation) {
  if (OidIsValid(collation) && !get_collation_isdeterministic(collation)) return nullptr;
  if (exprType(text) != TEXTOID || !is_same_each_time(text)) return nullptr;
  SearchedColumn searched;
  if (!find_searched_column(searching.query, column, searched) || searched.is_bucket)
    return nullptr;
  if (IsA(text, Const) && !may_serve(searched, condition, reinterpret_cast<Const*>(text)))
    return nullptr;
  return codes_condition(OID_ARRAY_CONTAINS_OP, column, searched,
                         search_call(searched, condition, static_cast<Node*>(copyObjectImpl(text))),
                         *searching.level);
}

Node* of_operands(const Searching& searching, Oid function, List* operands, Oid collation) {
  Condition condition;
  if (list_length(operands) != 2 || !condition_of(function, condition)) return nullptr;
  auto* left = static_cast<Node*>(linitial(operands));
  auto* right = static_cast<Node*>(lsecond(operands));
  Var* column = searched_operand(left);
  if (column == nullptr && condition == Condition::equal) {
    column = searched_operand(right);
    right = left;
  }
  if (column == nullptr) return nullptr;
  return by_codes(searching, column, condition, text_operand(right), collation);
}

// The elements of a list that is written out, or nothing.
List* listed(Node* list) {
  list = without_label(list);
  if (IsA(list, ArrayExpr) && !reinterpret_cast<ArrayExpr*>(list)->multidims)
    return reinterpret_cast<ArrayExpr*>(list)->elements;
  if (!IsA(list, Const) || reinterpret_cast<Const*>(list)->constisnull) return NIL;
  auto* array = DatumGetArrayTypeP(reinterpret_cast<Const*>(list)->constvalue);
  if (ARR_ELEMTYPE(array) != TEXTOID) return NIL;
  Datum* values;
  bool* nulls;
  int count;
  deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
  List* elements = NIL;
  for (int i = 0; i < count; ++i)
    elements = lappend(
        elements, makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, values[i], nulls[i], false));
  return elements;
}

Node* of_list(const Searching& searching, const ScalarArrayOpExpr* node) {
  if (!node->useOr || get_opcode(node->opno) != F_TEXTEQ) return nullptr;
  Var* column = searched_operand(static_cast<Node*>(linitial(node->args)));
  List* elements = column == nullptr ? NIL : listed(static_cast<Node*>(lsecond(node->args)));
  if (elements == NIL || list_length(elements) > kMostListed) return nullptr;
  List* conditions = NIL;
  ListCell* cell;
  foreach (cell, elements) {
    // Nothing is equal to NULL.
    Node* bare = without_label(static_cast<Node*>(lfirst(cell)));
    if (IsA(bare, Const) && reinterpret_cast<Const*>(bare)->constisnull) continue;
    Node* one = by_codes(searching, column, Condition::equal,
                         text_operand(static_cast<Node*>(lfirst(cell))), node->inputcollid);
    if (one == nullptr) return nullptr;
    conditions = lappend(conditions, one);
  }
  if (conditions == NIL) return nullptr;
  return list_length(conditions) == 1
             ? static_cast<Node*>(linitial(conditions))
             : reinterpret_cast<Node*>(makeBoolExpr(OR_EXPR, conditions, -1));
}

// What follows of a condition, on the codes.
Node* implied(const Searching& searching, Node* condition) {
  switch (nodeTag(condition)) {
    case T_OpExpr: {
      auto* node = reinterpret_cast<OpExpr*>(condition);
      return of_operands(searching, get_opcode(node->opno), node->args, node->inputcollid);
    }
    case T_FuncExpr: {
      auto* node = reinterpret_cast<FuncExpr*>(condition);
      return of_operands(searching, node->funcid, node->args, node->inputcollid);
    }
    case T_ScalarArrayOpExpr:
      return of_list(searching, reinterpret_cast<ScalarArrayOpExpr*>(condition));
    default:
      return nullptr;
  }
}

Node* all_of(List* conditions) {
  return reinterpret_cast<Node*>(makeBoolExpr(AND_EXPR, conditions, -1));
}

Node* with_codes(const Searching& searching, Node* condition);

List* each_with_codes(const Searching& searching, List* conditions) {
  ListCell* cell;
  foreach (cell, conditions) lfirst(cell) = with_codes(searching, static_cast<Node*>(lfirst(cell)));
  return conditions;
}

// The condition itself, with what follows of it by itself before it; a range may be of several.
// Where it is NULL both may be false: a row is selected by neither.
Node* with_codes(const Searching& searching, Node* condition) {
  if (condition == nullptr) return nullptr;
  if (is_orclause(condition)) {
    ListCell* cell;
    foreach (cell, reinterpret_cast<BoolExpr*>(condition)->args) {
      auto* arm = static_cast<Node*>(lfirst(cell));
      List* ranges = range_conditions(searching.query, *searching.level, list_make1(arm));
      arm = with_codes(searching, arm);
      lfirst(cell) = ranges == NIL ? arm : all_of(lappend(ranges, arm));
    }
    return condition;
  }
  if (is_andclause(condition)) {
    auto* arms = reinterpret_cast<BoolExpr*>(condition);
    arms->args = each_with_codes(searching, arms->args);
    return condition;
  }
  // The list of a WHERE that is made of policies and views.
  if (IsA(condition, List))
    return reinterpret_cast<Node*>(each_with_codes(searching, reinterpret_cast<List*>(condition)));
  Node* codes = implied(searching, condition);
  if (codes == nullptr) return condition;
  return all_of(list_make2(codes, condition));
}

// All that a query or a join selects by.
Node* with_all_codes(const Searching& searching, Node* condition) {
  if (condition == nullptr) return nullptr;
  List* ranges = range_conditions(searching.query, *searching.level, list_make1(condition));
  condition = with_codes(searching, condition);
  if (ranges == NIL) return condition;
  if (IsA(condition, List))
    return reinterpret_cast<Node*>(list_concat(ranges, reinterpret_cast<List*>(condition)));
  return all_of(lappend(ranges, condition));
}

void search_in(const Searching& searching, Node* from) {
  if (from == nullptr) return;
  if (IsA(from, FromExpr)) {
    auto* node = reinterpret_cast<FromExpr*>(from);
    ListCell* cell;
    foreach (cell, node->fromlist) search_in(searching, static_cast<Node*>(lfirst(cell)));
    node->quals = with_all_codes(searching, node->quals);
  } else if (IsA(from, JoinExpr)) {
    auto* node = reinterpret_cast<JoinExpr*>(from);
    search_in(searching, node->larg);
    search_in(searching, node->rarg);
    node->quals = with_all_codes(searching, node->quals);
  }
}

}  // namespace

void search_by_codes(Query* query, QueryLevel& level) {
  if (!level.may_sublink || query->jointree == nullptr) return;
  search_in({query, &level}, reinterpret_cast<Node*>(query->jointree));
}

}  // namespace nae::columns
