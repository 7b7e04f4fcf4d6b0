#include "pg_nae/columns/client_edge.hpp"

#include "pg_nae/columns/plpgsql.hpp"
#include "pg_nae/columns/resolution.hpp"
#include "pg_nae/columns/sort_clauses.hpp"
#include "pg_nae/columns/utility.hpp"
#include "pg_nae/columns/whole_row.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::columns {
namespace {

void open_query(Query* query, QueryLevel* outer, bool keeps_rows = false);

bool is_window_key(const Query* query, const TargetEntry* target) {
  ListCell* cell;
  foreach (cell, query->windowClause) {
    auto* window = lfirst_node(WindowClause, cell);
    if (clause_of(window->partitionClause, target) != nullptr ||
        clause_of(window->orderClause, target) != nullptr)
      return true;
  }
  return false;
}

// ORDER BY and DISTINCT of an output column are of what is put out. GROUP BY and windows go on with
// what is stored: it becomes a column of its own.
void open_key(Query* query, TargetEntry* target, Node* stored) {
  SortGroupClause* sort = clause_of(query->sortClause, target);
  SortGroupClause* distinct = clause_of(query->distinctClause, target);
  Oid plain = exprType(reinterpret_cast<Node*>(target->expr));
  if (clause_of(query->groupClause, target) != nullptr || is_window_key(query, target)) {
    const Index reference = next_reference(query);
    add_hidden_target(query, stored)->ressortgroupref = target->ressortgroupref;
    target->ressortgroupref = sort != nullptr || distinct != nullptr ? reference : 0;
    if (sort != nullptr) sort->tleSortGroupRef = reference;
    if (distinct != nullptr) distinct->tleSortGroupRef = reference;
  }
  if (sort != nullptr) use_operators_of(sort, plain);
  if (distinct != nullptr) use_operators_of(distinct, plain);
}

// `keeps_rows`: of PL/pgSQL, whose variables and results are of the rows' own types; their fields
// are decrypted where they are used.
void open_targets(Query* query, List* targets, const QueryLevel& level, bool keeps_rows) {
  const int count = list_length(targets);
  for (int i = 0; i < count; ++i) {
    auto* target = static_cast<TargetEntry*>(list_nth(targets, i));
    auto* stored = reinterpret_cast<Node*>(target->expr);
    if (target->resjunk || !is_readable(stored, level)) continue;
    if (keeps_rows && type_is_rowtype(exprType(stored))) continue;
    target->expr = reinterpret_cast<Expr*>(readable(stored, level));
    if (target->ressortgroupref != 0) open_key(query, target, stored);
  }
}

RangeTblEntry* leaf_of(Node* node, Query* query) {
  return rt_fetch(castNode(RangeTblRef, node)->rtindex, query->rtable);
}

// The output of a branch of a set operation.
List* outputs_of(Node* node, Query* query) {
  while (IsA(node, SetOperationStmt)) node = reinterpret_cast<SetOperationStmt*>(node)->larg;
  return leaf_of(node, query)->subquery->targetList;
}

// The branches are opened, and rows compared as plaintexts.
void open_set_operation(Node* node, Query* query, QueryLevel* level) {
  if (!IsA(node, SetOperationStmt)) return open_query(leaf_of(node, query)->subquery, level);
  auto* operation = reinterpret_cast<SetOperationStmt*>(node);
  open_set_operation(operation->larg, query, level);
  open_set_operation(operation->rarg, query, level);
  List* outputs = outputs_of(node, query);
  int column = 0;
  ListCell* cell;
  foreach (cell, operation->colTypes) {
    auto* output = reinterpret_cast<Node*>(pg::target_at(outputs, column + 1)->expr);
    Oid plain = exprType(output);
    if (lfirst_oid(cell) != plain && find_column_type(lfirst_oid(cell)) != nullptr) {
      lfirst_oid(cell) = plain;
      list_nth_cell(operation->colTypmods, column)->int_value = -1;
      list_nth_cell(operation->colCollations, column)->oid_value = exprCollation(output);
      if (operation->groupClauses != NIL)
        use_operators_of(static_cast<SortGroupClause*>(list_nth(operation->groupClauses, column)),
                         plain);
    }
    ++column;
  }
}

// The output of the whole names that of its first branch.
void open_outputs(Query* query) {
  ListCell* cell;
  foreach (cell, query->targetList) {
    auto* target = lfirst_node(TargetEntry, cell);
    auto* stored = reinterpret_cast<Node*>(target->expr);
    if (!IsA(stored, Var) || type_of(stored) == nullptr) continue;
    auto* var = reinterpret_cast<Var*>(stored);
    List* outputs = rt_fetch(var->varno, query->rtable)->subquery->targetList;
    auto* output = reinterpret_cast<Node*>(pg::target_at(outputs, var->varattno)->expr);
    var->vartype = exprType(output);
    var->vartypmod = -1;
    var->varcollid = exprCollation(output);
    if (SortGroupClause* sort = clause_of(query->sortClause, target))
      use_operators_of(sort, var->vartype);
  }
}

void open_query(Query* query, QueryLevel* outer, bool keeps_rows) {
  QueryLevel level{query, outer, false};
  if (query->commandType != CMD_SELECT)
    return open_targets(query, query->returningList, level, keeps_rows);
  if (query->setOperations == nullptr)
    return open_targets(query, query->targetList, level, keeps_rows);
  open_set_operation(query->setOperations, query, &level);
  open_outputs(query);
}

void open_for_client(ParseState* state, Query* query) {
  if (!pg::settings.transparent || keeps_ciphertext()) return;
  // What is replicated stays encrypted: the first copy of a filtered or partitioned table is a
  // query.
  if (am_walsender) return;
  if (query->commandType == CMD_UTILITY) {
    Node* statement = query->utilityStmt;
    if (!IsA(statement, DeclareCursorStmt)) return;
    auto* selected = reinterpret_cast<DeclareCursorStmt*>(statement)->query;
    if (IsA(selected, Query)) open_query(reinterpret_cast<Query*>(selected), nullptr);
    return;
  }
  if (!is_assignment(state, query) && !keeps_rows_of_a_table(state, query))
    open_query(query, nullptr, is_plpgsql_expression(state, query) || is_sql_function(state));
}

void guard_client_edge(ParseState* state, Query* query, pg::Jumble* jumble) {
  client_edge_hook.next(state, query, jumble);
  // ROLLBACK in a transaction that has failed may not look into catalogs.
  if (!IsTransactionState() || !has_column_types()) return;
  resolve_over_plaintexts(state, query);
  open_for_client(state, query);
}

}  // namespace

pg::Hook<post_parse_analyze_hook_type> client_edge_hook{guard_client_edge, nullptr};

}  // namespace nae::columns
