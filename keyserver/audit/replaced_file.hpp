// A small file beside a log that is always there as a whole.
#pragma once

#include <filesystem>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::audit {

// Replaces the file atomically and durably; Code::audit_unavailable with errno's words.
Result<void> replace_file(const std::filesystem::path& path, std::string_view text);

}  // namespace nae::audit
