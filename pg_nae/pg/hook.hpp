// Hook: a function of ours in one of PostgreSQL's chains of hooks, with what was there before it.
// What each of ours sees, and their order, is in hooks.cpp.
#pragma once

#include <type_traits>

#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// `Function`: the type of the hook, planner_hook_type say.
template <class Function>
class Hook {
 public:
  // `standard` runs where nobody was there before; nullptr: nothing does.
  constexpr Hook(Function function, Function standard) : function_(function), next_(standard) {}
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  // Once, from _PG_init: what is called from then on is called before all that was there.
  void install(Function& hook) {
    if (hook != nullptr) next_ = hook;
    hook = function_;
  }
  // What was there before. Raises what that raises.
  template <class... Arguments>
  auto next(Arguments... arguments) const {
    using Result = decltype(next_(arguments...));
    if constexpr (std::is_void_v<Result>) {
      if (next_ != nullptr) next_(arguments...);
    } else {
      return next_(arguments...);  // these have a standard
    }
  }

 private:
  Function function_;
  Function next_;
};

#if PG_VERSION_NUM >= 190000
#define NAE_PLAN_PARAMETERS                                                     \
  Query *query, const char *text, int cursor_options, ParamListInfo parameters, \
      ExplainState *explained
#define NAE_PLAN_ARGUMENTS query, text, cursor_options, parameters, explained
using Jumble = const JumbleState;
#else
#define NAE_PLAN_PARAMETERS \
  Query *query, const char *text, int cursor_options, ParamListInfo parameters
#define NAE_PLAN_ARGUMENTS query, text, cursor_options, parameters
using Jumble = JumbleState;
#endif
#if PG_VERSION_NUM >= 180000
#define NAE_RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count
#define NAE_RUN_ARGUMENTS query, direction, count
#else
#define NAE_RUN_PARAMETERS \
  QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define NAE_RUN_ARGUMENTS query, direction, count, execute_once
#endif
#define NAE_UTILITY_PARAMETERS                                                                  \
  PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context, \
      ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *destination,       \
      QueryCompletion *completion
#define NAE_UTILITY_ARGUMENTS \
  statement, text, read_only_tree, context, parameters, environment, destination, completion

}  // namespace nae::pg
