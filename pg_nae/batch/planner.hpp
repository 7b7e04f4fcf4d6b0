// The planner hook: finished plans that mention batchable functions undergo surgery.
#pragma once

namespace nae::batch {

// Called once, from _PG_init.
void install_planner_hook();

}  // namespace nae::batch
