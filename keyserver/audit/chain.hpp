// The chain: each line carries SHA-256(hash of the line before || its own bytes up to the hash).
// Bytes in, bytes out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::audit {

inline constexpr std::size_t kHashBytes = 32;
using Hash = std::array<Byte, kHashBytes>;

// What the first line of the first segment follows: 32 zero bytes.
inline constexpr Hash kGenesis{};

// No line is longer, its newline included: readers need a bound.
inline constexpr std::size_t kMaxLineBytes = 64u << 10;

// The newest line of a chain.
struct ChainPoint {
  std::uint64_t seq = 0;  // 0: nothing written yet
  Hash hash = kGenesis;
  friend bool operator==(const ChainPoint&, const ChainPoint&) = default;
};

// How far the ledger of a server's store had come, by number and hash (docs/spec/ledger.md).
struct StorePoint {
  std::uint64_t epoch = 0;  // 0: not known
  Hash hash{};
  friend bool operator==(const StorePoint&, const StorePoint&) = default;
};

// Appends `{"seq":N,<members>,"hash":"<hex>"}\n` as the line after `point` and moves `point` to it.
void append_line(std::string& out, ChainPoint& point, std::string_view members);

// A line taken apart, without its newline.
struct Line {
  std::uint64_t seq = 0;
  std::string_view hashed;   // everything before `,"hash":`
  std::string_view members;  // `hashed` without the sequence number
  Hash hash{};
};
// Nothing when the line does not have the form that append_line writes.
std::optional<Line> split_line(std::string_view line);

Hash line_hash(const Hash& previous, std::string_view hashed);

// The members of a segment's first record, which repeats the hash it follows.
std::string segment_members(std::int64_t time_us, const Hash& previous);
// That hash, when `line` is such a record.
std::optional<Hash> previous_of_segment(const Line& line);

std::string segment_name(std::uint64_t first_seq);  // "audit-000000000001.jsonl"
std::optional<std::uint64_t> first_seq_of_segment(std::string_view file_name);

}  // namespace nae::audit
