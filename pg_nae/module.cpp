// pg_nae: loaded by shared_preload_libraries, or by the first call of one of its functions.
#ifdef NAE_BATCH_FUZZ
#include "pg_nae/batch/fuzz.hpp"
#endif
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
#include "pg_nae/pg/plant.hpp"
#include "pg_nae/pg/postgres.hpp"
#include "pg_nae/pg/settings.hpp"
#include "pg_nae/pg/supervisor.hpp"

extern "C" {
#if PG_VERSION_NUM >= 180000
PG_MODULE_MAGIC_EXT(.name = "pg_nae", .version = NAE_VERSION);
#else
PG_MODULE_MAGIC;
#endif
PGDLLEXPORT void _PG_init(void);
}

// Runs in the postmaster when preloaded: opens no socket, starts no thread, keeps no object that a
// forked backend would share.
extern "C" void _PG_init(void) {
#ifdef NAE_BATCH_FUZZ
  nae::batch::define_fuzz_setting();
#endif
#ifdef NAE_CHECK_FATAL
  nae::pg::define_plant_settings();
#endif
  nae::pg::define_settings();
  nae::pg::register_supervisor();
  nae::batch::install_planner_hook();
  nae::batch::install_executor_hook();
  nae::columns::install_planner_hook();
  nae::columns::install_client_edge();
  nae::columns::install_dynamic_query();
  nae::columns::install_dump_warning();
  nae::columns::install_bound_statements();
  nae::columns::install_utility_hooks();
  nae::columns::install_own_object_hooks();
  nae::columns::install_cast_hint();
  // Last, and so around the others.
  nae::batch::install_error_scopes();
  nae::pg::install_log_hook();
}
