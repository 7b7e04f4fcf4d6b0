// Columns: what references say of relations, and what is written to tables.
#include "pg_nae/columns/declared.hpp"
#include "pg_nae/columns/typing_level.hpp"

namespace nae::columns {
namespace {

const TypingLevel* level_of(const TypingLevel& here, Index levels_up) {
  const TypingLevel* level = &here;
  for (Index up = 0; up < levels_up && level != nullptr; ++up) level = level->outer;
  return level;
}

// The CTE's own output is what its references read.
CommonTableExpr* cte_of(const TypingLevel& here, const RangeTblEntry* relation) {
  const TypingLevel* level = level_of(here, relation->ctelevelsup);
  if (level == nullptr) return nullptr;
  ListCell* cell;
  foreach (cell, level->query->cteList) {
    auto* cte = lfirst_node(CommonTableExpr, cell);
    if (std::strcmp(cte->ctename, relation->ctename) == 0) return cte;
  }
  return nullptr;
}

Node* output_of(const Query* query, int column) {
  List* targets = query->commandType == CMD_SELECT ? query->targetList : query->returningList;
  return column < 1 || column > list_length(targets)
             ? nullptr
             : reinterpret_cast<Node*>(pg::target_at(targets, column)->expr);
}

// The expression that a column was made of; nullptr where there is none to look at.
Node* origin_of(const TypingLevel& here, const RangeTblEntry* relation, int column) {
  switch (relation->rtekind) {
    case RTE_SUBQUERY:
      return relation->subquery == nullptr ? nullptr : output_of(relation->subquery, column);
    case RTE_CTE: {
      CommonTableExpr* cte = cte_of(here, relation);
      return cte == nullptr || cte->cterecursive || !IsA(cte->ctequery, Query)
                 ? nullptr
                 : output_of(reinterpret_cast<Query*>(cte->ctequery), column);
    }
    case RTE_JOIN:
      return column > list_length(relation->joinaliasvars)
                 ? nullptr
                 : static_cast<Node*>(list_nth(relation->joinaliasvars, column - 1));
#if PG_VERSION_NUM >= 180000
    case RTE_GROUP:
      return static_cast<Node*>(list_nth(relation->groupexprs, column - 1));
#endif
    default:
      return nullptr;
  }
}

bool is_same(const DeclaredColumn& made, Oid type, int32 typmod) {
  if (made.type == type && made.typmod == typmod) return true;
  if (made.type != type) return !holds_encrypted(made.type) && !holds_encrypted(type);
  return find_column_type(type) == nullptr || typmod < 0 || made.typmod == typmod;
}

void check_column(const TypingLevel& here, Oid table, const TargetEntry* target) {
  auto* value = reinterpret_cast<Node*>(target->expr);
  if (target->resjunk || target->resno < 1 || is_null_constant(value) || IsA(value, SetToDefault))
    return;
  auto [type, typmod] = declared_column(table, target->resno);
  const ColumnType* column = find_column_type(type);
  if (column == nullptr && !holds_encrypted(exprType(value))) return;
  getBaseTypeAndTypmod(type, &typmod);
  if (type_of(value) != column || typmod_below_domain(value) != typmod)
    refuse_typing(here, value,
                  psprintf("column \"%s\" would be written with a value that is not encrypted "
                           "for it",
                           get_attname(table, target->resno, false)));
}

void check_targets(const TypingLevel& here, const List* targets) {
  RangeTblEntry* relation = rt_fetch(here.query->resultRelation, here.query->rtable);
  if (relation->rtekind != RTE_RELATION) return;
  ListCell* cell;
  foreach (cell, targets) check_column(here, relation->relid, lfirst_node(TargetEntry, cell));
}

}  // namespace

void check_reference(const TypingLevel& here, const Var* var) {
  const TypingLevel* level = level_of(here, var->varlevelsup);
  if (level == nullptr || var->varattno < 1 ||
      static_cast<int>(var->varno) > list_length(level->query->rtable))
    return;
  RangeTblEntry* relation = rt_fetch(static_cast<int>(var->varno), level->query->rtable);
  DeclaredColumn made{};
  if (Node* origin = origin_of(*level, relation, var->varattno)) {
    if (is_null_constant(origin)) return;
    made = {exprType(origin), exprTypmod(origin)};
  } else {
    if (relation->rtekind == RTE_RELATION)
      made = declared_column(relation->relid, var->varattno);
    else if (relation->rtekind == RTE_CTE || relation->rtekind == RTE_VALUES)
      made = {list_nth_oid(relation->coltypes, var->varattno - 1),
              list_nth_int(relation->coltypmods, var->varattno - 1)};
    else
      return;  // of a function: by what it declares, which a call is checked against
  }
  if (!is_same(made, var->vartype, var->vartypmod))
    refuse_typing(here, reinterpret_cast<const Node*>(var),
                  "a column is read as one of another type or key");
}

void check_written(const TypingLevel& here) {
  const Query* query = here.query;
  if (query->resultRelation == 0) return;
  if (query->commandType == CMD_INSERT || query->commandType == CMD_UPDATE)
    check_targets(here, query->targetList);
  if (query->onConflict != nullptr) check_targets(here, query->onConflict->onConflictSet);
#if PG_VERSION_NUM >= 150000
  ListCell* cell;
  foreach (cell, query->mergeActionList)
    check_targets(here, lfirst_node(MergeAction, cell)->targetList);
#endif
}

}  // namespace nae::columns
