#include "pg_nae/columns/sorting.hpp"

#include "pg_nae/columns/sort_clauses.hpp"
#include "pg_nae/columns/whole_row.hpp"
#include "pg_nae/pg/plant.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

Node* expression_of(const TargetEntry* target) {
  return reinterpret_cast<Node*>(target->expr);
}

// Whether grouping stored values groups plaintexts: deterministic ones of one key version, compared
// byte by byte.
bool groups_as_stored(const Node* expression) {
  const ColumnType* type = type_of(expression);
  Oid collation = exprCollation(expression);
  return type != nullptr && type->deterministic && typmod_below_domain(expression) >= 0 &&
         (!OidIsValid(collation) || get_collation_isdeterministic(collation));
}

TargetEntry* target_of(const SortGroupClause* clause, List* targets) {
  return get_sortgroupref_tle(clause->tleSortGroupRef, targets);
}

[[noreturn]] void refuse(const char* what) {
  pg::raise(Code::unsupported, psprintf("%s cannot be done with encrypted values", what),
            "Cast the column to its plaintext type there, as in note::text.");
}

// A value, an array or a row, whose order and equality are those of plaintexts.
bool is_compared_by_plaintext(const Query* query, Node* expression) {
  QueryLevel level{const_cast<Query*>(query), nullptr, false};
  return is_readable(expression, level);
}

// The clause orders by the plaintext from now on.
void order_by_plaintext(Query* query, SortGroupClause* clause) {
  TargetEntry* target = target_of(clause, query->targetList);
  QueryLevel level{query, nullptr, false};
  Node* plain = readable(expression_of(target), level);
  use_operators_of(clause, exprType(plain));
  clause->tleSortGroupRef = add_hidden_target(query, plain)->ressortgroupref;
}

void order_list_by_plaintext(Query* query, List* clauses) {
  ListCell* cell;
  foreach (cell, clauses) {
    auto* clause = lfirst_node(SortGroupClause, cell);
    if (is_compared_by_plaintext(query, expression_of(target_of(clause, query->targetList))))
      order_by_plaintext(query, clause);
  }
}

struct Substitution {
  Node* grouped;
  Node* plain;
  Node* representative;
};

// Above the grouping the plaintext is known, and of what is stored one value of the group.
Node* substitute_mutator(Node* node, void* state) {
  if (node == nullptr) return nullptr;
  const auto& substitution = *static_cast<Substitution*>(state);
  if (equal(node, substitution.grouped)) return pg::copy_of(substitution.representative);
  if (IsA(node, Aggref)) return node;
  if (is_decryption(node) &&
      equal(linitial(reinterpret_cast<FuncExpr*>(node)->args), substitution.grouped))
    return pg::copy_of(substitution.plain);
  return pg::mutate_children(node, substitute_mutator, state);
}

#if PG_VERSION_NUM >= 180000
// What a reference to the query's groups stands for: arguments of aggregates are evaluated below.
Node* below_grouping(const Query* query, Node* grouped) {
  if (!IsA(grouped, Var) || !query->hasGroupRTE) return grouped;
  auto* var = reinterpret_cast<Var*>(grouped);
  RangeTblEntry* relation = rt_fetch(static_cast<int>(var->varno), query->rtable);
  return relation->rtekind == RTE_GROUP
             ? static_cast<Node*>(list_nth(relation->groupexprs, var->varattno - 1))
             : grouped;
}
#else
Node* below_grouping(const Query*, Node* grouped) {
  return grouped;
}
#endif

// nae_internal.one_of(grouped): some ciphertext of the group. Which is anybody's choice, as it is
// for values that are equal and look different.
Node* one_of_group(Query* query, Node* grouped) {
  Aggref* aggregate = makeNode(Aggref);
  aggregate->aggfnoid = representative_aggregate();
  aggregate->aggtype = exprType(grouped);
  aggregate->aggcollid = aggregate->inputcollid = exprCollation(grouped);
  aggregate->aggargtypes = list_make1_oid(exprType(grouped));
  aggregate->args = list_make1(makeTargetEntry(
      reinterpret_cast<Expr*>(pg::copy_of(below_grouping(query, grouped))), 1, nullptr, false));
  aggregate->aggkind = AGGKIND_NORMAL;
  aggregate->aggno = aggregate->aggtransno = -1;
  aggregate->location = -1;
  query->hasAggs = true;
  // An aggregate has no typmod; this one's value has its argument's.
  return reinterpret_cast<Node*>(makeRelabelType(reinterpret_cast<Expr*>(aggregate),
                                                 exprType(grouped), exprTypmod(grouped),
                                                 exprCollation(grouped), COERCE_IMPLICIT_CAST));
}

// In the rows of a grouping set without the key, it is NULL.
Node* unless_grouped_away(const Query* query, Node* grouped, Index reference, Node* value) {
  if (query->groupingSets == NIL) return value;
  GroupingFunc* grouping = makeNode(GroupingFunc);
  grouping->args = list_make1(decrypted(pg::copy_of(below_grouping(query, grouped))));
  grouping->refs = list_make1_int(static_cast<int>(reference));
  grouping->location = -1;
  CaseWhen* when = makeNode(CaseWhen);
  when->expr =
      make_opclause(Int4EqualOperator, BOOLOID, false, reinterpret_cast<Expr*>(grouping),
                    reinterpret_cast<Expr*>(makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
                                                      Int32GetDatum(0), false, true)),
                    InvalidOid, InvalidOid);
  when->result = reinterpret_cast<Expr*>(value);
  when->location = -1;
  CaseExpr* chosen = makeNode(CaseExpr);
  chosen->casetype = exprType(value);
  chosen->casecollid = exprCollation(value);
  chosen->args = list_make1(when);
  chosen->defresult = reinterpret_cast<Expr*>(
      makeNullConst(exprType(value), exprTypmod(value), exprCollation(value)));
  chosen->location = -1;
  return reinterpret_cast<Node*>(chosen);
}

bool rename_key(List* clauses, const TargetEntry* target, Index reference) {
  SortGroupClause* clause = clause_of(clauses, target);
  if (clause != nullptr) clause->tleSortGroupRef = reference;
  return clause != nullptr;
}

// Other clauses that name the target get a reference of their own.
void part_from_group(Query* query, TargetEntry* target) {
  const Index reference = next_reference(query);
  bool used = rename_key(query->sortClause, target, reference);
  used = rename_key(query->distinctClause, target, reference) || used;
  ListCell* cell;
  foreach (cell, query->windowClause) {
    auto* window = lfirst_node(WindowClause, cell);
    used = rename_key(window->partitionClause, target, reference) || used;
    used = rename_key(window->orderClause, target, reference) || used;
  }
  target->ressortgroupref = used ? reference : 0;
}

void group_by_plaintext(Query* query, SortGroupClause* clause) {
  TargetEntry* target = target_of(clause, query->targetList);
  Node* grouped = expression_of(target);
  Node* plain = decrypted(grouped);
  const Index reference = clause->tleSortGroupRef;  // grouping sets name it
  use_operators_of(clause, exprType(plain));
  part_from_group(query, target);
  Node* representative =
      pg::is_planted("waiting group")
          ? as_pending(plain, *type_of(grouped))
          : unless_grouped_away(query, grouped, reference, one_of_group(query, grouped));
  Substitution substitution{grouped, plain, representative};
  query->targetList = reinterpret_cast<List*>(
      substitute_mutator(reinterpret_cast<Node*>(query->targetList), &substitution));
  query->havingQual = substitute_mutator(query->havingQual, &substitution);
  add_hidden_target(query, plain)->ressortgroupref = reference;
}

void arrange_groups(Query* query) {
  ListCell* cell;
  foreach (cell, query->groupClause) {
    auto* clause = lfirst_node(SortGroupClause, cell);
    Node* grouped = expression_of(target_of(clause, query->targetList));
    if (type_of(grouped) != nullptr && !groups_as_stored(grouped))
      group_by_plaintext(query, clause);
  }
}

void arrange_windows(Query* query) {
  ListCell *cell, *inner;
  foreach (cell, query->windowClause) {
    auto* window = lfirst_node(WindowClause, cell);
    foreach (inner, window->partitionClause) {
      auto* clause = lfirst_node(SortGroupClause, inner);
      Node* parted = expression_of(target_of(clause, query->targetList));
      if (is_compared_by_plaintext(query, parted) && !groups_as_stored(parted))
        order_by_plaintext(query, clause);
    }
    foreach (inner, window->orderClause) {
      auto* clause = lfirst_node(SortGroupClause, inner);
      Node* ordered = expression_of(target_of(clause, query->targetList));
      if (!is_compared_by_plaintext(query, ordered)) continue;
      if (OidIsValid(window->startInRangeFunc) || OidIsValid(window->endInRangeFunc))
        refuse("RANGE with an offset");
      order_by_plaintext(query, clause);
    }
  }
}

// Rows are distinct by plaintexts that are not put out themselves: which of several equal rows
// remains is anybody's choice, as it is for values that are equal and look different. ORDER BY of
// the same column goes along, because PostgreSQL wants both to begin alike.
void arrange_distinct(Query* query) {
  ListCell* cell;
  foreach (cell, query->distinctClause) {
    auto* clause = lfirst_node(SortGroupClause, cell);
    TargetEntry* target = target_of(clause, query->targetList);
    if (!is_compared_by_plaintext(query, expression_of(target))) continue;
    SortGroupClause* sort = clause_of(query->sortClause, target);
    if (sort == nullptr && groups_as_stored(expression_of(target))) continue;
    order_by_plaintext(query, clause);
    if (sort != nullptr)
      use_operators_of(sort, exprType(expression_of(target_of(clause, query->targetList))));
    if (sort != nullptr) sort->tleSortGroupRef = clause->tleSortGroupRef;
    query->hasDistinctOn = true;
  }
}

// Rows of a set operation are compared as they are stored.
void check_set_operation(Node* node) {
  if (node == nullptr || !IsA(node, SetOperationStmt)) return;
  auto* operation = reinterpret_cast<SetOperationStmt*>(node);
  check_set_operation(operation->larg);
  check_set_operation(operation->rarg);
  if (operation->groupClauses == NIL) return;
  ListCell *type_cell, *typmod_cell;
  forboth(type_cell, operation->colTypes, typmod_cell, operation->colTypmods) {
    const ColumnType* type = find_column_type(lfirst_oid(type_cell));
    if (type != nullptr && (!type->deterministic || lfirst_int(typmod_cell) < 0))
      refuse("UNION, INTERSECT or EXCEPT in a sub-select");
  }
}

}  // namespace

void arrange_by_plaintext(Query* query) {
  check_set_operation(query->setOperations);
  arrange_groups(query);
  arrange_windows(query);
  arrange_distinct(query);
  // A set operation puts out nothing but its columns.
  if (query->setOperations == nullptr) order_list_by_plaintext(query, query->sortClause);
}

Node* arranged_aggregate(Aggref* aggregate) {
  ListCell* cell;
  bool concerned = false;
  foreach (cell, aggregate->args) {
    auto* target = lfirst_node(TargetEntry, cell);
    concerned =
        concerned || (target->ressortgroupref != 0 && type_of(expression_of(target)) != nullptr);
  }
  if (!concerned) return reinterpret_cast<Node*>(aggregate);
  if (aggregate->aggkind != AGGKIND_NORMAL) refuse("an ordered-set aggregate");
  Aggref* result = pg::copy_of(aggregate);
  int position = 0;
  foreach (cell, result->args) {
    auto* target = lfirst_node(TargetEntry, cell);
    ++position;
    if (target->ressortgroupref == 0 || type_of(expression_of(target)) == nullptr) continue;
    SortGroupClause* distinct = clause_of(result->aggdistinct, target);
    SortGroupClause* order = clause_of(result->aggorder, target);
    if (order == nullptr && groups_as_stored(expression_of(target))) continue;
    if (!target->resjunk && result->aggtype != INT8OID)  // count(DISTINCT note) has no more to say
      refuse("an aggregate with DISTINCT or ORDER BY of its own argument");
    Node* plain = decrypted(expression_of(target));
    target->expr = reinterpret_cast<Expr*>(plain);
    if (distinct != nullptr) use_operators_of(distinct, exprType(plain));
    if (order != nullptr && order != distinct) use_operators_of(order, exprType(plain));
    if (!target->resjunk)
      list_nth_cell(result->aggargtypes, position - 1)->oid_value = exprType(plain);
  }
  return reinterpret_cast<Node*>(result);
}

}  // namespace nae::columns
