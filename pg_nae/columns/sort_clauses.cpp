#include "pg_nae/columns/sort_clauses.hpp"

#include <algorithm>

#include "pg_nae/pg/plant.hpp"

namespace nae::columns {
namespace {

bool is_descending(Oid sort_operator) {
  Oid family, input;
#if PG_VERSION_NUM >= 180000
  CompareType direction;
  constexpr CompareType kGreater = COMPARE_GT;
#else
  int16 direction;
  constexpr int16 kGreater = BTGreaterStrategyNumber;
#endif
  return OidIsValid(sort_operator) &&
         get_ordering_op_properties(sort_operator, &family, &input, &direction) &&
         direction == kGreater;
}

}  // namespace

Index next_reference(const Query* query) {
  Index largest = 0;
  ListCell* cell;
  foreach (cell, query->targetList)
    largest = std::max(largest, lfirst_node(TargetEntry, cell)->ressortgroupref);
  return largest + 1;
}

SortGroupClause* clause_of(List* clauses, const TargetEntry* target) {
  ListCell* cell;
  foreach (cell, clauses) {
    auto* clause = lfirst_node(SortGroupClause, cell);
    if (target->ressortgroupref != 0 && clause->tleSortGroupRef == target->ressortgroupref)
      return clause;
  }
  return nullptr;
}

TargetEntry* add_hidden_target(Query* query, Node* expression) {
  TargetEntry* target =
      makeTargetEntry(reinterpret_cast<Expr*>(expression),
                      static_cast<AttrNumber>(list_length(query->targetList) + 1), nullptr, true);
  target->ressortgroupref = next_reference(query);
  query->targetList = lappend(query->targetList, target);
  return target;
}

void use_operators_of(SortGroupClause* clause, Oid plain_type) {
  if (pg::is_planted("stored keys")) return;
  Oid less, equal, greater;
  bool hashable;
  get_sort_group_operators(plain_type, true, true, true, &less, &equal, &greater, &hashable);
  bool descends = is_descending(clause->sortop);
  clause->eqop = equal;
  clause->sortop = descends ? greater : less;
  clause->hashable = hashable;
}

}  // namespace nae::columns
