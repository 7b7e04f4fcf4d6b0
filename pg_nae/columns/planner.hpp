// The planner hook of encrypted columns: it comes before the one that makes batches.
#pragma once

namespace nae::columns {

// Called once, from _PG_init, after the batch node's.
void install_planner_hook();

}  // namespace nae::columns
