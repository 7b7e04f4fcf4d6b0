// SearchedScan: by which search indexes rows of a plan are looked for, in words, for EXPLAIN.
#pragma once

#include "pg_nae/pg/nodes.hpp"

namespace nae::columns {

// Strings, each once: "name (word)", of the scans at and below a node; where the statement has run
// also how many codes each row had to have: "name (word, 2 codes)". Nobody is asked for that.
// `ancestors` as EXPLAIN has them.
List* searches_below(PlanState* state, List* ancestors, bool has_run);

}  // namespace nae::columns
