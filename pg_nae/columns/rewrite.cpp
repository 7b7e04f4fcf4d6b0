#include "pg_nae/columns/rewrite.hpp"

#include "pg_nae/columns/search_plan.hpp"
#include "pg_nae/columns/sorting.hpp"
#include "pg_nae/columns/whole_row.hpp"

namespace nae::columns {
namespace {

// Whether an encrypted column is anywhere in the query: most queries are left alone here.
bool mention_walker(Node* node, void*) {
  if (node == nullptr) return false;
  switch (nodeTag(node)) {
    case T_Query:
      return pg::walk_query(reinterpret_cast<Query*>(node), mention_walker, nullptr, 0);
    case T_Var: {
      auto* var = reinterpret_cast<Var*>(node);
      return var->varattno == InvalidAttrNumber || holds_encrypted(var->vartype);
    }
    case T_Const:
      return holds_encrypted(reinterpret_cast<Const*>(node)->consttype);
    case T_Param:
      return holds_encrypted(reinterpret_cast<Param*>(node)->paramtype);
    case T_FuncExpr:
      if (holds_encrypted(reinterpret_cast<FuncExpr*>(node)->funcresulttype)) return true;
      break;
    default:
      break;
  }
  return pg::walk_children(node, mention_walker, nullptr);
}

Query* rewritten(Query* query, QueryLevel* outer);

// A row that is put out by itself is the client edge's, which nae.transparent keeps as it is.
bool is_row_put_out(const Node* node, const QueryLevel& level) {
  if (!IsA(node, TargetEntry) || level.query == nullptr || level.outer != nullptr ||
      !list_member_ptr(level.query->targetList, node))
    return false;
  auto* target = reinterpret_cast<const TargetEntry*>(node);
  return target->ressortgroupref == 0 && IsA(target->expr, Var) &&
         reinterpret_cast<const Var*>(target->expr)->varattno == InvalidAttrNumber;
}

Node* mutator(Node* node, void* state) {
  if (node == nullptr) return nullptr;
  auto& level = *static_cast<QueryLevel*>(state);
  if (IsA(node, Query))
    return reinterpret_cast<Node*>(rewritten(reinterpret_cast<Query*>(node), &level));
  if (is_row_put_out(node, level)) return pg::copy_of(node);
  bool may_sublink = level.may_sublink;
  // The predicate that infers a unique index is matched as it stands.
  if (IsA(node, OnConflictExpr)) level.may_sublink = false;
  Node* result = pg::mutate_children(node, mutator, state);
  level.may_sublink = may_sublink;
  if (IsA(result, SubLink)) put_out_plaintexts(reinterpret_cast<SubLink*>(result));
  return compared(converted(result, level), level);
}

Query* rewritten(Query* query, QueryLevel* outer) {
  // PL/pgSQL knows a simple expression, a SELECT without FROM, by its plan: no InitPlan there.
  QueryLevel level{query, outer, query->rtable != NIL};
  Query* result = pg::mutate_query(query, mutator, &level, 0);
  search_by_codes(result, level);
  result->hasSubLinks = result->hasSubLinks || level.has_sublink;
  // mutate_query leaves these as they were, and they are changed now.
  result->sortClause = pg::copy_of(query->sortClause);
  result->groupClause = pg::copy_of(query->groupClause);
  result->distinctClause = pg::copy_of(query->distinctClause);
  result->windowClause = pg::copy_of(result->windowClause);
  arrange_by_plaintext(result);
  return result;
}

}  // namespace

Node* rewritten(Node* expression) {
  QueryLevel level{nullptr, nullptr, false};
  return mutator(expression, &level);
}

bool mentions_encrypted(Query* query) {
  return pg::walk_query(query, mention_walker, nullptr, 0);
}

Query* rewritten(Query* query) {
  if (!has_column_types()) return query;
  if (!mentions_encrypted(query)) return query;
  return rewritten(query, nullptr);
}

}  // namespace nae::columns
