// CastHint: what PostgreSQL cannot resolve over an encrypted type it reports before anybody else
// has seen the statement. Its error stays as it is, and its hint names the cast that mends the
// statement.
#pragma once

#include "pg_nae/pg/hook.hpp"

namespace nae::columns {

extern pg::Hook<emit_log_hook_type> cast_hint_hook;

}  // namespace nae::columns
