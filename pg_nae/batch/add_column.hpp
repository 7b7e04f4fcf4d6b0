// A column more for the nodes below one that evaluates calls inside: calls become columns there.
#pragma once

#include "pg_nae/batch/surgery.hpp"

namespace nae::batch {

// Hands on what its child emits.
bool is_transparent(const Plan* plan);

bool can_add_column(Plan* plan);

// The column of `plan` with the value of `expression`, which is over its output (OUTER_VAR); 0 when
// there can be none.
int add_column(const Surgery& surgery, Plan* plan, Node* expression);

// The node with its new calls divided from it.
Plan* split_below(Surgery& surgery, Plan* plan);

// The own list of a node that emits the rows of its input: columns that were added there are handed
// on.
void hand_on(Plan* plan);

}  // namespace nae::batch
