// DumpWarning: pg_dump --inserts reads tables as any client does. A role that may decrypt would get
// a dump in clear, which nobody asked for.
#pragma once

namespace nae::columns {

// Called once, from _PG_init, after install_client_edge().
void install_dump_warning();

}  // namespace nae::columns
