#include "pg_nae/batch/run.hpp"

#include "pg_nae/columns/decrypted_values.hpp"

namespace nae::batch {
namespace {

// Left by longjmp it names a query that is gone: then it belongs to no node.
Run innermost = {};
uint64 runs = 0;

void run_counted(NAE_RUN_PARAMETERS) {
  Run outer = innermost;
  innermost = {query->estate, query->planstate, count, ++runs};
  MemoryContext outer_query = columns::running_query();
  columns::set_running_query(query->estate->es_query_cxt);
  run_hook.next(NAE_RUN_ARGUMENTS);
  innermost = outer;
  columns::set_running_query(outer_query);
}

}  // namespace

Run run_of(const PlanState* node) {
  if (innermost.state == node->state) return innermost;
  return {node->state, nullptr, 1, 0};
}

pg::Hook<ExecutorRun_hook_type> run_hook{run_counted, standard_ExecutorRun};

}  // namespace nae::batch
