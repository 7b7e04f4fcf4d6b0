#include "pg_nae/columns/dynamic_query.hpp"

namespace nae::columns {
namespace {

PLpgSQL_plugin* previous = nullptr;

// The statement that runs, when it is a RETURN QUERY EXECUTE. SPI puts one error context upon that
// of PL/pgSQL while it analyzes the text; whatever else is analyzed stands upon others.
struct Running {
  const PLpgSQL_execstate* state;
  const ErrorContextCallback* context;
};
Running running = {};

void set_up(PLpgSQL_execstate* state, PLpgSQL_function* function);

void begin_function(PLpgSQL_execstate* state, PLpgSQL_function* function) {
  running = {};
  if (previous != nullptr && previous->func_beg != nullptr) previous->func_beg(state, function);
}

void end_function(PLpgSQL_execstate* state, PLpgSQL_function* function) {
  running = {};
  if (previous != nullptr && previous->func_end != nullptr) previous->func_end(state, function);
}

bool returns_dynamically(const PLpgSQL_stmt* statement) {
  return statement->cmd_type == PLPGSQL_STMT_RETURN_QUERY &&
         reinterpret_cast<const PLpgSQL_stmt_return_query*>(statement)->dynquery != nullptr;
}

void begin_statement(PLpgSQL_execstate* state, PLpgSQL_stmt* statement) {
  running = returns_dynamically(statement) ? Running{state, error_context_stack} : Running{};
  if (previous != nullptr && previous->stmt_beg != nullptr) previous->stmt_beg(state, statement);
}

void end_statement(PLpgSQL_execstate* state, PLpgSQL_stmt* statement) {
  running = {};
  if (previous != nullptr && previous->stmt_end != nullptr) previous->stmt_end(state, statement);
}

PLpgSQL_plugin plugin = {set_up,  begin_function, end_function, begin_statement, end_statement,
                         nullptr, nullptr,        nullptr,      nullptr,         nullptr};

// PL/pgSQL has just put its own functions into the plugin it knows: into the one behind it too.
void set_up(PLpgSQL_execstate* state, PLpgSQL_function* function) {
  if (previous == nullptr) return;
  previous->error_callback = plugin.error_callback;
  previous->assign_expr = plugin.assign_expr;
  previous->assign_value = plugin.assign_value;
  previous->eval_datum = plugin.eval_datum;
  previous->cast_value = plugin.cast_value;
  if (previous->func_setup != nullptr) previous->func_setup(state, function);
}

// An error ends statements without a word to plugins.
void forget(XactEvent, void*) {
  running = {};
}
void forget_in_subtransaction(SubXactEvent, SubTransactionId, SubTransactionId, void*) {
  running = {};
}

}  // namespace

void install_dynamic_query() {
  auto** known = reinterpret_cast<PLpgSQL_plugin**>(find_rendezvous_variable("PLpgSQL_plugin"));
  previous = *known;
  *known = &plugin;
  RegisterXactCallback(forget, nullptr);
  RegisterSubXactCallback(forget_in_subtransaction, nullptr);
}

const PLpgSQL_function* function_that_returns_dynamically() {
  if (running.state == nullptr || error_context_stack == nullptr ||
      error_context_stack->previous != running.context)
    return nullptr;
  return running.state->func;
}

}  // namespace nae::columns
