// `nae-agent doctor`: what is wrong on this host, and with the way to the key servers.
#pragma once

#include <filesystem>
#include <string>

#include "libnae/doctor/report.hpp"

namespace nae::agent {

// Beside an agent that runs. Opens one connection to each key server, as the agent does, and asks
// nothing on it. `socket`: instead of the configuration's, where it is not empty.
doctor::Report examine(const std::filesystem::path& configuration, const std::string& socket);

}  // namespace nae::agent
