// `nae-keyserver doctor`: what its host has to offer a key server.
#pragma once

#include <filesystem>

#include "libnae/doctor/report.hpp"

namespace nae::server {

// Beside a server that runs or without one. Changes nothing, and spends no attempt at the token's
// PIN. Takes the process's SecureHeap.
doctor::Report examine(const std::filesystem::path& configuration);

}  // namespace nae::server
