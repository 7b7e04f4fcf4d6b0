// A request that waits for approval, as whoever decides on it is shown it.
#pragma once

#include <variant>

#include "cli/command.hpp"

namespace nae::cli {

void show_request(Call& call, const json::value& approval);

// Nobody approves what he was not shown: fails with Code::file_failed when the output took it not.
Outcome<std::monostate> show_before_deciding(Call& call, const json::value& approval);

}  // namespace nae::cli
