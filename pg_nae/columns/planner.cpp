#include "pg_nae/columns/planner.hpp"

#include "pg_nae/columns/meaning.hpp"
#include "pg_nae/columns/typing.hpp"
#include "pg_nae/columns/utility.hpp"
#include "pg_nae/pg/error_scope.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::columns {
namespace {

planner_hook_type previous_planner = nullptr;

PlannedStmt* plan_by_meaning(Query* query, const char* text, int cursor_options,
                             ParamListInfo parameters) {
  planner_hook_type planner = previous_planner != nullptr ? previous_planner : standard_planner;
  refuse_unasked_plaintext(query);
  Query* meant = with_meaning(query);
  if (meant != query) pg::note_encrypted_query();
  if (meant != query && !pg::is_planted("no typing")) check_typing(meant, text);
  return planner(meant, text, cursor_options, parameters);
}

}  // namespace

void install_planner_hook() {
  previous_planner = planner_hook;
  planner_hook = plan_by_meaning;
}

}  // namespace nae::columns
