// Conditions that a search index serves: beside each stands one on the codes, which an index can
// answer. What was written stays, and removes what the codes show too much.
#pragma once

#include "pg_nae/columns/rewrite.hpp"

namespace nae::columns {

// Adds them to what a query selects by; of operands that are done.
void search_by_codes(Query* query, QueryLevel& level);

}  // namespace nae::columns
