// Witnesses: what a log says of the logs of other key servers. Each records the newest signed heads
// of the others, so that one whose log was cut back, or put back together with the store, is found
// out by theirs. docs/spec/audit.md, "Witnesses".
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyserver/audit/chain.hpp"

namespace nae::audit {

inline constexpr std::string_view kWitnessEvent = "witness";
// The event of a chain that begins because the one before was lost, by an administrator's word.
inline constexpr std::string_view kLossEvent = "loss-accepted";
// Where such a chain has it, behind the record of its first segment, and nowhere else.
inline constexpr std::uint64_t kLossSeq = 2;
inline constexpr std::string_view kLostPoint = "the log before was signed up to record ";

// That the log of `node` had this record.
struct Witness {
  std::string node;
  ChainPoint point;
  friend bool operator==(const Witness&, const Witness&) = default;
};

// The details of as few records as hold them: "ks2 1234 <hash>; ks3 99 <hash>", none cut.
std::vector<std::string> witness_details(const std::vector<Witness>& witnesses);
// Code::audit_broken for what witness_details() does not write.
Result<std::vector<Witness>> parse_witnesses(std::string_view detail);

// The newest record that the lost log was known to have, as the detail of a loss names it.
std::optional<ChainPoint> lost_point(std::string_view detail);

// Records of a log against what others say of them.
struct Compared {
  std::uint64_t archived = 0;         // taken away on purpose: nothing to compare with
  std::vector<std::uint64_t> absent;  // the log has no such record
  std::vector<ChainPoint> others;     // it has this one there
};
// Reads the segments that hold some of them, each once. It does not prove the log: verify().
Result<Compared> compare(const std::filesystem::path& directory, std::vector<ChainPoint> points);

}  // namespace nae::audit
