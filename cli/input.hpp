// Files that a command reads: by name, or "-" for standard input.
#pragma once

#include <string>

#include "libnae/base/result.hpp"

namespace nae::cli {

// The whole of it; no copy of it is left elsewhere, since it may be a private key.
// Code::file_failed, also when it is longer than `max_bytes`, or when standard input has nothing: a
// pipe whose writer failed must not pass for an empty document.
Result<std::string> content_of(const std::string& file, std::size_t max_bytes);

}  // namespace nae::cli
