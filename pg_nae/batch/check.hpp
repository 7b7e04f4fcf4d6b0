// PlanCheck: whether a plan holds together after surgery. Each column, parameter, sub-plan,
// aggregate and grouping column must be there at its level, and of the type that the node below
// delivers. The executor checks little of that: what it takes for a pointer may be a number.
#pragma once

#include "pg_nae/batch/tree.hpp"

namespace nae::batch {

struct PlanFault {
  const char* what;  // nullptr: none was found
  int node_id;       // of the plan node
};
PlanFault find_fault(const PlannedStmt* statement);

}  // namespace nae::batch
