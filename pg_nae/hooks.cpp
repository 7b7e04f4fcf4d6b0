#include "pg_nae/hooks.hpp"

#include "pg_nae/batch/error_scopes.hpp"
#include "pg_nae/batch/planner.hpp"
#include "pg_nae/batch/run.hpp"
#include "pg_nae/columns/bound_statements.hpp"
#include "pg_nae/columns/cast_hint.hpp"
#include "pg_nae/columns/client_edge.hpp"
#include "pg_nae/columns/dump_warning.hpp"
#include "pg_nae/columns/dynamic_query.hpp"
#include "pg_nae/columns/own_objects.hpp"
#include "pg_nae/columns/planner.hpp"
#include "pg_nae/columns/utility.hpp"
#include "pg_nae/pg/error_scope.hpp"

namespace nae {
namespace {

// A statement just analyzed. In transactions that have failed no catalog may be read.
void install_after_analysis() {
  // Puts plaintexts where rows leave for a client; the query stays one that can be analyzed again.
  columns::client_edge_hook.install(post_parse_analyze_hook);
  // Sees the query before and after that; it warns once a session, and changes nothing.
  columns::dump_warning_hook.install(post_parse_analyze_hook);
  // Sees the query before it is opened, and notes its text; it changes nothing.
  columns::bound_statements_hook.install(post_parse_analyze_hook);
  // Learns of RETURN QUERY EXECUTE from PL/pgSQL itself, and hands on what its plugins are told.
  columns::install_dynamic_query();
}

void install_around_planning() {
  // Sees the finished plan. It may not change what the plan answers, nor keep a fault: a plan that
  // is refused runs as PostgreSQL made it.
  batch::plan_hook.install(planner_hook);
  // Sees the query, rewritten. What it does not understand is refused, before anything is planned.
  columns::plan_hook.install(planner_hook);
  // No error of planning leaves with a value that it quotes.
  batch::plan_scope.install(planner_hook);
}

void install_around_execution() {
  batch::start_scope.install(ExecutorStart_hook);
  // Notes how many rows are asked for, and whose memory the query's is; both end with the run.
  batch::run_hook.install(ExecutorRun_hook);
  // What runs inside a statement that stores ciphertext reads for itself again.
  columns::run_hook.install(ExecutorRun_hook);
  batch::run_scope.install(ExecutorRun_hook);
  batch::finish_scope.install(ExecutorFinish_hook);
}

void install_around_utility_statements() {
  // Checks declarations, encrypts what COPY reads. The tree may be one of a cached plan: it is
  // copied before it is changed.
  columns::utility_hook.install(ProcessUtility_hook);
  // Refuses to change the extension's own objects, before anything is done.
  columns::own_objects_utility_hook.install(ProcessUtility_hook);
  columns::own_objects_access_hook.install(object_access_hook);
  batch::utility_scope.install(ProcessUtility_hook);
}

// Errors on their way to client and log. Nothing here may raise, or read a catalog.
void install_at_the_log() {
  columns::cast_hint_hook.install(emit_log_hook);
  // Around the other: what a hint quotes is looked at too.
  pg::log_hook.install(emit_log_hook);
}

}  // namespace

// In each chain what is installed last is called first.
void install_hooks() {
  install_after_analysis();
  install_around_planning();
  install_around_execution();
  install_around_utility_statements();
  install_at_the_log();
}

}  // namespace nae
