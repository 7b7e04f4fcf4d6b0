// Where a log ends: found at open and after trouble.
#pragma once

#include <filesystem>
#include <string>

#include "keyserver/audit/chain.hpp"

namespace nae::audit {

struct Tail {
  ChainPoint point;
  std::filesystem::path segment;  // empty: there is none
  std::uint64_t bytes = 0;        // of that segment
  std::uint64_t cut_bytes = 0;    // of a torn last line, which is gone now
};

// Verifies the last segment and cuts off what a crash left of an unfinished line.
// Code::audit_broken when a complete line does not verify or the log ends before its signed head.
Result<Tail> take_up_tail(const std::filesystem::path& directory);

}  // namespace nae::audit
