// Writes: what a modification does with the rows of the plan below it.
#pragma once

#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/surgery.hpp"

namespace nae::batch {

// INSERT and UPDATE of more than one row, done here and not by a foreign server. One row gains
// nothing: what is asked for it ahead is what would be asked for it anyway.
bool writes_rows(const ModifyTable* modification);

// The place among the targets of the plan below of what is written to a column of a relation, which
// is given by its place among those that are written; 0: it is not written, or a constant.
int target_for(const ModifyTable* modification, int relation, AttrNumber column);

// Puts a batch node over a plan that makes no call, but asks for values of `ahead`, whose arguments
// are expressions of the plan's targets. nullptr where the plan's rows must not be read ahead of
// what is done with them.
CustomScan* batch_over(Surgery& surgery, Plan* plan, List* ahead);

// The relation that is written, by its place; its lock is held by planner and executor.
Relation open_written(const PlannedStmt* statement, const ModifyTable* modification, int place);

}  // namespace nae::batch
