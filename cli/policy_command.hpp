// Subcommands of nae policy that have a file of their own.
#pragma once

#include <iosfwd>

#include "cli/command.hpp"

namespace nae::cli {

void print_difference(std::ostream& out, const json::value& difference);
void add_policy_test(CLI::App& policy, Action& chosen);
void add_policy_prune(CLI::App& policy, Action& chosen);

}  // namespace nae::cli
