// The planner hook of encrypted columns: it comes before the one that makes batches.
#pragma once

#include "pg_nae/pg/hook.hpp"

namespace nae::columns {

extern pg::Hook<planner_hook_type> plan_hook;

}  // namespace nae::columns
