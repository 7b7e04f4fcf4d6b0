// Reading of one call's arguments for one row.
#pragma once

#include "pg_nae/batch/batchable.hpp"

namespace nae::batch {

// By the positions in the table. What the functions refuse before they send anything is deferred to
// them, so that there is one place that says it.
Reading read_item(const Batchable& how, std::span<const Datum> arguments, Item& item);

}  // namespace nae::batch
