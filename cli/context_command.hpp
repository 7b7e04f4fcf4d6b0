// nae context
#pragma once

#include "cli/command.hpp"

namespace nae::cli {

void add_context(CLI::App& app, Action& chosen);

}  // namespace nae::cli
