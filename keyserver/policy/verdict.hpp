// What policy answers.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyserver/policy/limit.hpp"
#include "keyserver/policy/mask.hpp"

namespace nae::policy {

// From the most to the least restrictive. Of several rules that allow, the smallest wins; all but
// `value` hold for reads (decrypt) only.
enum class Verdict : std::uint8_t { deny = 0, null = 1, ciphertext = 2, masked = 3, value = 4 };

std::string_view name(Verdict verdict);  // "value", "masked", "ciphertext", "null", "deny"

// Why. The names stand in audit records.
namespace reason {
inline constexpr std::string_view kAllowed = "allowed";
inline constexpr std::string_view kNoRule = "no_rule";
inline constexpr std::string_view kDeniedByRule = "denied_by_rule";
inline constexpr std::string_view kDeviceNotInPolicy = "device_not_in_policy";
inline constexpr std::string_view kProgramNotInPolicy = "program_not_in_policy";
inline constexpr std::string_view kProgramPinMismatch = "program_pin_mismatch";
inline constexpr std::string_view kSubjectUndetermined = "subject_undetermined";
inline constexpr std::string_view kNoPolicy = "no_policy";
inline constexpr std::string_view kLimitExceeded = "limit_exceeded";
}  // namespace reason

// No clock condition changes the decision before this moment.
inline constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

struct Decision {
  Verdict verdict = Verdict::deny;
  std::string reason{reason::kNoPolicy};
  std::string rule;  // the rule that decided; empty when none did
  // By which of the asker's memberships that rule applied; empty when by the effective role.
  std::string membership = {};
  // Verdict::masked: every mask that applies, never empty. Of their results for one value the one
  // that shows the fewest characters is the answer: see mask().
  std::vector<Mask> masks = {};
  // Limits of every rule that allows. The items of a request are taken from all of them before
  // anything leaves (LimitBook::take).
  std::vector<LimitUse> limits = {};
  std::int64_t valid_until_us = kForever;  // Unix time; decide again from then on

  bool allowed() const { return verdict != Verdict::deny; }
  friend bool operator==(const Decision&, const Decision&) = default;
};

}  // namespace nae::policy
