#include "pg_nae/columns/bound_statements.hpp"

#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/rewrite.hpp"
#include "pg_nae/pg/error_scope.hpp"

namespace nae::columns {
namespace {

void bind_statement(ParseState* state, Query* query, pg::Jumble* jumble) {
  // Looked at before it is opened for the client: then encrypted columns are still there.
  const bool concerns_us = state->p_paramref_hook != nullptr && state->p_sourcetext != nullptr &&
                           IsTransactionState() && has_column_types() && mentions_encrypted(query);
  if (concerns_us) pg::note_bound_statement(state->p_sourcetext);
  bound_statements_hook.next(state, query, jumble);
}

}  // namespace

pg::Hook<post_parse_analyze_hook_type> bound_statements_hook{bind_statement, nullptr};

}  // namespace nae::columns
