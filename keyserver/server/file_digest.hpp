// SHA-256 of a file of any length.
#pragma once

#include <filesystem>
#include <string>

#include "libnae/base/result.hpp"

namespace nae::server {

// Hexadecimal. Code::file_failed when it cannot be read.
Result<std::string> digest_of_file(const std::filesystem::path& file);

}  // namespace nae::server
