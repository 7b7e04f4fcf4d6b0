// BoundStatements: statements with parameters over encrypted columns. While a parameter is bound no
// hook is called, and one that cannot be read is quoted in the error: the log looks the statement
// up.
#pragma once

#include "pg_nae/pg/hook.hpp"

namespace nae::columns {

extern pg::Hook<post_parse_analyze_hook_type> bound_statements_hook;

}  // namespace nae::columns
