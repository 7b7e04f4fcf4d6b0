// pg_nae: loaded by shared_preload_libraries, or by the first call of one of its functions.
#ifdef NAE_BATCH_FUZZ
#include "pg_nae/batch/fuzz.hpp"
#endif
#include "pg_nae/batch/node.hpp"
#include "pg_nae/hooks.hpp"
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
  RegisterCustomScanMethods(&nae::batch::batch_scan_methods);
  nae::install_hooks();
}
