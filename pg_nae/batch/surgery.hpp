// Surgery: what is done to a finished plan. Each operation answers the node that takes the place of
// the one it was given.
#pragma once

#include "pg_nae/batch/hoist.hpp"

namespace nae::batch {

// Node ids of new nodes count on from here.
struct Surgery {
  PlannedStmt* statement;
  int last_node_id;
};

// Puts a batch node over a node that evaluates calls in its target list or filter.
Plan* split(Surgery& surgery, Plan* plan);

// Divides a target list: what the child emits goes to `lifted`, and what is made of it above is the
// answer. The child's list keeps the positions of what it hands on: sort keys and the nodes above
// count on them. A call's own place holds what is needed besides, or NULL.
List* split_targets(List* targets, Lift& lifted);

// Swaps `plan` with the batch node below it, where that asks for fewer rows or later; else `plan`.
Plan* float_up(Plan* plan);

// Calls in the arguments of aggregates are evaluated below the aggregation.
void pull_down(Surgery& surgery, Agg* aggregation);

// Calls in the rows of VALUES lists are evaluated over the scan of their arguments.
void raise_from_values(Surgery& surgery, ValuesScan* scan);

// Calls in the conditions of joins are evaluated above or below them, where that asks for no more.
void arrange_join(Surgery& surgery, Plan* plan);

// Calls in a filter of a nested loop's inner side are evaluated above the join. To be done before
// anything is done to that side.
void raise_inner_filter(NestLoop* loop);

// Calls in RETURNING are evaluated over the node that modifies.
Plan* raise_returning(Surgery& surgery, ModifyTable* modification);

// What conditions on written rows decrypt, and codes of what is written to columns with a blind
// index, are asked for with the rows. To be done in this order, after the calls below are batched.
void ask_conditions_ahead(Surgery& surgery, ModifyTable* modification);
void ask_codes_ahead(Surgery& surgery, ModifyTable* modification);
// Whether there may be any, of a statement that is not looked at otherwise.
bool may_ask_for_writes(const PlannedStmt* statement);

// A Material node over a finished plan.
Plan* materialized(Surgery& surgery, Plan* plan);

}  // namespace nae::batch
