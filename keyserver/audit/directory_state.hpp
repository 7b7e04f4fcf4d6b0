// Whether records can be written at all, asked before a request finds out.
#pragma once

#include <cstdint>
#include <filesystem>

#include "libnae/base/result.hpp"

namespace nae::audit {

struct DiskSpace {
  std::uint64_t free = 0, all = 0;  // bytes
};

// Code::audit_unavailable when the directory is read-only, gone, or its disk has no room for one
// more record.
Result<DiskSpace> check_directory(const std::filesystem::path& directory);

}  // namespace nae::audit
