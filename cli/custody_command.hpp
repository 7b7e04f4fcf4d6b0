// The leaves of `nae custody` that have files of their own.
#pragma once

#include "cli/command.hpp"

namespace nae::cli {

void add_custody_approve(CLI::App& custody, Action& chosen);

}  // namespace nae::cli
