#include "pg_nae/batch/error_scopes.hpp"

#include "pg_nae/batch/batchable.hpp"
#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/copy_from.hpp"
#include "pg_nae/pg/error_scope.hpp"

namespace nae::batch {
namespace {

planner_hook_type previous_planner = nullptr;
ExecutorStart_hook_type previous_start = nullptr;
ExecutorRun_hook_type previous_run = nullptr;
ExecutorFinish_hook_type previous_finish = nullptr;
ProcessUtility_hook_type previous_utility = nullptr;

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

PlannedStmt* plan(Query* query, const char* text, int options, ParamListInfo parameters) {
  auto next = previous_planner != nullptr ? previous_planner : standard_planner;
  pg::ErrorScope scope;
  pg::enter_planning(scope);
  PlannedStmt* planned = next(query, text, options, parameters);
  pg::leave(scope);
  return planned;
}

void start(QueryDesc* query, int flags) {
  auto next = previous_start != nullptr ? previous_start : standard_ExecutorStart;
  pg::ErrorScope scope;
  pg::enter(scope, has_values(query), query->plannedstmt);
  next(query, flags);
  pg::leave(scope);
}

#if PG_VERSION_NUM >= 180000
void run(QueryDesc* query, ScanDirection direction, uint64 count) {
#else
void run(QueryDesc* query, ScanDirection direction, uint64 count, bool execute_once) {
#endif
  auto next = previous_run != nullptr ? previous_run : standard_ExecutorRun;
  pg::ErrorScope scope;
  pg::enter(scope, has_values(query), query->plannedstmt);
  const std::uint64_t before = pg::decryptions();
#if PG_VERSION_NUM >= 180000
  next(query, direction, count);
#else
  next(query, direction, count, execute_once);
#endif
  if (count != 0 && pg::decryptions() != before) note_holding(query->estate);
  pg::leave(scope);
}

// AFTER triggers.
void finish(QueryDesc* query) {
  auto next = previous_finish != nullptr ? previous_finish : standard_ExecutorFinish;
  pg::ErrorScope scope;
  pg::enter(scope, has_values(query), query->plannedstmt);
  next(query);
  pg::leave(scope);
}

void process(PlannedStmt* statement, const char* text, bool read_only_tree,
             ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment* environment,
             DestReceiver* destination, QueryCompletion* completion) {
  auto next = previous_utility != nullptr ? previous_utility : standard_ProcessUtility;
  pg::ErrorScope scope;
  pg::enter(scope, columns::copies_into_encrypted(statement->utilityStmt));
  next(statement, text, read_only_tree, context, parameters, environment, destination, completion);
  pg::leave(scope);
}

}  // namespace

void install_error_scopes() {
  previous_planner = planner_hook;
  planner_hook = plan;
  previous_start = ExecutorStart_hook;
  ExecutorStart_hook = start;
  previous_run = ExecutorRun_hook;
  ExecutorRun_hook = run;
  previous_finish = ExecutorFinish_hook;
  ExecutorFinish_hook = finish;
  previous_utility = ProcessUtility_hook;
  ProcessUtility_hook = process;
}

}  // namespace nae::batch
