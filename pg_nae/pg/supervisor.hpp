// The background worker "nae agent supervisor": starts nae-agent, restarts it when it ends, stops
// it with the server.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// Only while shared_preload_libraries are loaded and with nae.agent = 'embedded'.
void register_supervisor();

}  // namespace nae::pg

extern "C" PGDLLEXPORT void nae_supervisor_main(Datum argument);
