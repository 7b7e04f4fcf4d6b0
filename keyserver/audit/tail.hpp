// Where a log ends: found at open and after trouble.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "keyserver/audit/hash_tree.hpp"

namespace nae::audit {

struct Tail {
  ChainPoint point;
  std::filesystem::path segment;  // empty: there is none
  std::uint64_t first_seq = 0;    // of that segment
  std::uint64_t bytes = 0;        // of that segment
  Hash start{};                   // what that segment's first record follows
  HashTree tree;                  // over that segment's records
  std::int64_t newest_at_us = 0;  // the date of the last record; 0: there is none
  bool stopped = false;           // the last record says that the server stopped in order
  std::uint64_t cut_bytes = 0;    // of a torn last line, which is gone now
};

// Verifies the last segment and cuts off what a crash left of an unfinished line.
// Code::audit_broken when a complete line does not verify or the log ends before its signed head.
// `check` is asked before anything is cut: what it refuses is evidence.
using TailCheck = std::function<Result<void>(const Tail&)>;
Result<Tail> take_up_tail(const std::filesystem::path& directory, const TailCheck& check);

// A segment that is not written any more.
struct ClosedSegment {
  std::uint64_t first_seq = 0;
  ChainPoint end;
  Hash root{};
  std::uint64_t bytes = 0;
};
// Those right before the one at `tail` that have no signed head, because the server died before it
// was made: oldest first, verified up to the tail. Older ones without a head are left as they are,
// for nothing says then that they are what was written.
Result<std::vector<ClosedSegment>> find_unsigned_segments(const std::filesystem::path& directory,
                                                          const Tail& tail);

// The hash of one record. Nothing when no segment here holds it.
Result<std::optional<Hash>> hash_of_record(const std::filesystem::path& directory,
                                           std::uint64_t seq);

}  // namespace nae::audit
