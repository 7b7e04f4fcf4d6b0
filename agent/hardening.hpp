// Hardening of the process before it handles anything of value.
#pragma once

#include "libnae/base/result.hpp"

namespace nae::agent {

// No core dumps, no tracing or reading of memory by other processes of the same user.
Result<void> protect_memory();
// SIGTERM when the parent ends; for the agent that PostgreSQL starts itself. False: it has ended.
bool end_with_parent();

}  // namespace nae::agent
