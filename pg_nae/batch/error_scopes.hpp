// Scopes in which errors lose the values they quote: planning, execution and utility statements.
#pragma once

#include "pg_nae/pg/hook.hpp"

namespace nae::batch {

// Around every other hook of this library.
extern pg::Hook<planner_hook_type> plan_scope;
extern pg::Hook<ExecutorStart_hook_type> start_scope;
extern pg::Hook<ExecutorRun_hook_type> run_scope;
extern pg::Hook<ExecutorFinish_hook_type> finish_scope;
extern pg::Hook<ProcessUtility_hook_type> utility_scope;

}  // namespace nae::batch
