// Whose files a key server works on. Root, say, can write into the directory of the service's user,
// and what it leaves there the service cannot open afterwards.
#pragma once

#include <filesystem>

#include "keyserver/config/config.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

// Code::config_invalid, naming both users, when `path` is there and is another user's. What is not
// there is nobody's.
Result<void> check_owner(const std::filesystem::path& path);
// Of the store and the audit directory. Before anything is written.
Result<void> check_owner(const config::Config& config);

}  // namespace nae::server
