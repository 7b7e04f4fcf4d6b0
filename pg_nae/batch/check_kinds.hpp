// Checks of what is special to each kind of plan node, beside its target list and filter. The table
// of kinds is complete by node_kinds/compare, and a kind without its check_kind() does not link.
#pragma once

#include "pg_nae/batch/check_level.hpp"

namespace nae::batch {

#define NODE_KIND(name, source) void check_kind(Level& level, const ::name& plan);
#define NO_NODE_KIND(name)
#include "pg_nae/node_kinds/plans.def"
#undef NODE_KIND
#undef NO_NODE_KIND

const List* targets_below(const Plan& plan);

// Of expressions that have no row: they read Params alone.
Level without_rows(const Level& level);

}  // namespace nae::batch
