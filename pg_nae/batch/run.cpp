#include "pg_nae/batch/run.hpp"

#include "pg_nae/columns/opened_values.hpp"

namespace nae::batch {
namespace {

ExecutorRun_hook_type previous_run = nullptr;
// Left by longjmp it names a query that is gone: then it belongs to no node.
Run innermost = {};
uint64 runs = 0;

#if PG_VERSION_NUM >= 180000
void run_counted(QueryDesc* query, ScanDirection direction, uint64 count) {
#else
void run_counted(QueryDesc* query, ScanDirection direction, uint64 count, bool execute_once) {
#endif
  Run outer = innermost;
  innermost = {query->estate, query->planstate, count, ++runs};
  MemoryContext outer_query = columns::running_query();
  columns::set_running_query(query->estate->es_query_cxt);
  auto run = previous_run != nullptr ? previous_run : standard_ExecutorRun;
#if PG_VERSION_NUM >= 180000
  run(query, direction, count);
#else
  run(query, direction, count, execute_once);
#endif
  innermost = outer;
  columns::set_running_query(outer_query);
}

}  // namespace

Run run_of(const PlanState* node) {
  if (innermost.state == node->state) return innermost;
  return {node->state, nullptr, 1, 0};
}

void install_executor_hook() {
  previous_run = ExecutorRun_hook;
  ExecutorRun_hook = run_counted;
}

}  // namespace nae::batch
