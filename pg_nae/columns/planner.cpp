#include "pg_nae/columns/planner.hpp"

#include "pg_nae/columns/rewrite.hpp"
#include "pg_nae/columns/typing.hpp"
#include "pg_nae/columns/utility.hpp"
#include "pg_nae/pg/error_scope.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::columns {
namespace {

PlannedStmt* plan_rewritten(NAE_PLAN_PARAMETERS) {
  refuse_unasked_plaintext(query);
  Query* meant = rewritten(query);
  if (meant != query) pg::note_encrypted_query();
  if (meant != query && !pg::is_planted("no typing")) check_typing(meant, text);
  query = meant;
  return plan_hook.next(NAE_PLAN_ARGUMENTS);
}

}  // namespace

pg::Hook<planner_hook_type> plan_hook{plan_rewritten, standard_planner};

}  // namespace nae::columns
