// The question before what cannot be taken back.
#pragma once

#include <string>
#include <variant>

#include "cli/command.hpp"

namespace nae::cli {

// On a terminal: shows `consequence` on standard error and goes on only for "y" or "yes". Without
// one, or with `yes`, it is wanted: scripts are not asked, and work as they did.
// Code::invalid_argument when the answer is anything else, the end of input too.
Outcome<std::monostate> confirmed(const Call& call, bool yes, const std::string& consequence);
// Whether confirmed() asks: what is only for the question need not be fetched otherwise.
bool will_be_asked(const Call& call, bool yes);

void add_yes(CLI::App& leaf, bool& yes);

}  // namespace nae::cli
