// What policy answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nae::policy {

enum class Verdict : std::uint8_t { deny = 0, value = 1 };

std::string_view name(Verdict verdict);  // "value", "deny"

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
}  // namespace reason

struct Decision {
  Verdict verdict = Verdict::deny;
  std::string reason{reason::kNoPolicy};
  std::string rule;  // the rule that decided; empty when none did

  bool allowed() const { return verdict != Verdict::deny; }
  friend bool operator==(const Decision&, const Decision&) = default;
};

}  // namespace nae::policy
