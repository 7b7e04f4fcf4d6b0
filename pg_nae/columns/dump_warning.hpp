// DumpWarning: pg_dump --inserts reads tables as any client does. A role that may decrypt would get
// a dump in clear, which nobody asked for.
#pragma once

#include "pg_nae/pg/hook.hpp"

namespace nae::columns {

extern pg::Hook<post_parse_analyze_hook_type> dump_warning_hook;

}  // namespace nae::columns
