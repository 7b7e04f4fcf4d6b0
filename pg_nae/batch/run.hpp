// Run: how many rows the executor was asked for, so that a batch at the top reads no more of them.
#pragma once

#include "pg_nae/pg/hook.hpp"

namespace nae::batch {

struct Run {
  const EState* state;
  const PlanState* top;
  uint64 rows;    // 0: all
  uint64 serial;  // tells one run of a cursor from the next
};

// The run that `node` belongs to; rows is 1 when that is not known.
Run run_of(const PlanState* node);

extern pg::Hook<ExecutorRun_hook_type> run_hook;

}  // namespace nae::batch
