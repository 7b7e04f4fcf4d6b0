// Whether records can be written at all, asked before a request finds out.
#pragma once

#include <filesystem>

#include "libnae/base/result.hpp"

namespace nae::audit {

// Code::audit_unavailable when the directory is read-only, gone, or its disk has no room for one
// more record.
Result<void> check_directory(const std::filesystem::path& directory);

}  // namespace nae::audit
