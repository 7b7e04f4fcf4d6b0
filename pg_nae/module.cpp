// pg_nae: loaded by shared_preload_libraries, or by the first call of one of its functions.
#include "pg_nae/pg/postgres.hpp"
#include "pg_nae/pg/settings.hpp"
#include "pg_nae/pg/supervisor.hpp"

extern "C" {
#if PG_VERSION_NUM >= 180000
PG_MODULE_MAGIC_EXT(.name = "pg_nae", .version = "0.1.0");
#else
PG_MODULE_MAGIC;
#endif
PGDLLEXPORT void _PG_init(void);
}

// Runs in the postmaster when preloaded: opens no socket, starts no thread, keeps no object that a
// forked backend would share.
extern "C" void _PG_init(void) {
  nae::pg::define_settings();
  nae::pg::register_supervisor();
}
