// The program, but for main().
#pragma once

#include <iostream>
#include <string>
#include <vector>

#include "cli/terminal.hpp"

namespace nae::cli {

// `arguments` without the program's name. `in`: what a batch reads its commands from. Answers the
// exit code, which is never kOk when something that was written to `out` did not get where it goes.
int run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err,
        const Terminal& terminal = {}, std::istream& in = std::cin);

}  // namespace nae::cli
