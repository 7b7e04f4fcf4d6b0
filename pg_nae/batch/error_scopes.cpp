#include "pg_nae/batch/error_scopes.hpp"

#include "pg_nae/batch/batchable.hpp"
#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/copy_from.hpp"
#include "pg_nae/pg/error_scope.hpp"

namespace nae::batch {
namespace {

// A query that was run in part, by a cursor, and has decrypted values by a function that it calls.
struct Holding {
  const EState* state;
  Holding* next;
  MemoryContextCallback forget;
};
Holding* holdings = nullptr;

void forget(void* holding) {
  for (Holding** at = &holdings; *at != nullptr; at = &(*at)->next) {
    if (*at != holding) continue;
    *at = (*at)->next;
    return;
  }
}

bool holds_values(const EState* state) {
  for (const Holding* one = holdings; one != nullptr; one = one->next)
    if (one->state == state) return true;
  return false;
}

void note_holding(EState* state) {
  if (holds_values(state)) return;
  auto* holding =
      static_cast<Holding*>(MemoryContextAllocZero(state->es_query_cxt, sizeof(Holding)));
  holding->state = state;
  holding->next = holdings;
  holding->forget.func = forget;
  holding->forget.arg = holding;
  MemoryContextRegisterResetCallback(state->es_query_cxt, &holding->forget);
  holdings = holding;
}

// A parallel worker decrypts nothing, but is given parameters, and not where they are from.
bool is_given_values(const QueryDesc* query) {
  return IsParallelWorker() && columns::has_column_types() &&
         (query->plannedstmt->paramExecTypes != NIL || query->params != nullptr);
}

bool has_values(const QueryDesc* query) {
  return is_given_values(query) || mentions_batchable(query->plannedstmt) ||
         (query->estate != nullptr && holds_values(query->estate));
}

PlannedStmt* plan(NAE_PLAN_PARAMETERS) {
  pg::ErrorScope scope;
  pg::enter_planning(scope);
  PlannedStmt* planned = plan_scope.next(NAE_PLAN_ARGUMENTS);
  pg::leave(scope);
  return planned;
}

void start(QueryDesc* query, int flags) {
  pg::ErrorScope scope;
  pg::enter(scope, has_values(query), query->plannedstmt);
  start_scope.next(query, flags);
  pg::leave(scope);
}

void run(NAE_RUN_PARAMETERS) {
  pg::ErrorScope scope;
  pg::enter(scope, has_values(query), query->plannedstmt);
  const std::uint64_t before = pg::decryptions();
  run_scope.next(NAE_RUN_ARGUMENTS);
  if (count != 0 && pg::decryptions() != before) note_holding(query->estate);
  pg::leave(scope);
}

// AFTER triggers.
void finish(QueryDesc* query) {
  pg::ErrorScope scope;
  pg::enter(scope, has_values(query), query->plannedstmt);
  finish_scope.next(query);
  pg::leave(scope);
}

void process(NAE_UTILITY_PARAMETERS) {
  pg::ErrorScope scope;
  pg::enter(scope, columns::copies_into_encrypted(statement->utilityStmt));
  utility_scope.next(NAE_UTILITY_ARGUMENTS);
  pg::leave(scope);
}

}  // namespace

pg::Hook<planner_hook_type> plan_scope{plan, standard_planner};
pg::Hook<ExecutorStart_hook_type> start_scope{start, standard_ExecutorStart};
pg::Hook<ExecutorRun_hook_type> run_scope{run, standard_ExecutorRun};
pg::Hook<ExecutorFinish_hook_type> finish_scope{finish, standard_ExecutorFinish};
pg::Hook<ProcessUtility_hook_type> utility_scope{process, standard_ProcessUtility};

}  // namespace nae::batch
