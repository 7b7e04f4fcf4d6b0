// The planner hook: finished plans that mention batchable functions undergo surgery.
#pragma once

#include "pg_nae/pg/hook.hpp"

namespace nae::batch {

extern pg::Hook<planner_hook_type> plan_hook;

}  // namespace nae::batch
