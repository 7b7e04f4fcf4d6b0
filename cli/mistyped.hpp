// What stands wrong in the arguments, said so that it can be mended.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::cli {

// For arguments that `app` refused with `refusal`: the first command or option that there is not,
// with the nearest one that there is; else what the refusal says. The hint names the help of the
// command that was reached.
Error usage_error(const CLI::App& app, const std::vector<std::string>& arguments,
                  const CLI::ParseError& refusal);

// --json stands there as an option: also of arguments that were refused before it was read.
// $NAE_JSON is set, and not to 0, no or false.
bool environment_asks_for_json();
bool asks_for_json(const std::vector<std::string>& arguments);

}  // namespace nae::cli
