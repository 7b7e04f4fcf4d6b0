// Subcommands of nae policy that have a file of their own.
#pragma once

#include "cli/command.hpp"

namespace nae::cli {

void add_policy_test(CLI::App& policy, Action& chosen);

}  // namespace nae::cli
