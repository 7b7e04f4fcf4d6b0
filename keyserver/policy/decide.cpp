#include "keyserver/policy/decide.hpp"

#include <algorithm>

#include "libnae/base/text.hpp"

namespace nae::policy {
namespace {

using Patterns = std::vector<std::string>;

bool matches(const Patterns& patterns, std::string_view text) {
  return std::ranges::any_of(patterns,
                             [&](const std::string& pattern) { return glob_match(pattern, text); });
}

bool matches_or_any(const Patterns& patterns, std::string_view text) {
  return patterns.empty() || matches(patterns, text);
}

// Cheap and selective conditions first; a subject may have thousands of memberships.
bool applies(const Rule& rule, const Subject& subject, Action action, std::string_view key) {
  return rule.actions.contains(action) && (!uses_key(action) || matches(rule.keys, key)) &&
         matches_or_any(rule.databases, subject.database) &&
         matches_or_any(rule.devices, subject.device) &&
         matches_or_any(rule.programs, subject.program) &&
         (matches(rule.roles, subject.effective_role) ||
          std::ranges::any_of(subject.memberships,
                              [&](const std::string& role) { return matches(rule.roles, role); }));
}

bool is_pinned_to(const Program& program, const Subject& subject) {
  bool path_fits =
      program.executables.empty() ||
      std::ranges::find(program.executables, subject.executable) != program.executables.end();
  bool digest_fits =
      program.sha256.empty() || std::ranges::any_of(program.sha256, [&](const auto& pin) {
        return std::ranges::equal(pin, subject.executable_sha256);
      });
  return path_fits && digest_fits;
}

Decision deny(std::string_view reason, std::string_view rule = {}) {
  return {.verdict = Verdict::deny, .reason = std::string(reason), .rule = std::string(rule)};
}

}  // namespace

Decision decide(const Document& document, const Subject& subject, Action action,
                std::string_view key, [[maybe_unused]] std::int64_t now_us) {
  if (document.version == 0) return deny(reason::kNoPolicy);
  if (subject.device.empty() || subject.program.empty() || subject.database.empty() ||
      subject.effective_role.empty())
    return deny(reason::kSubjectUndetermined);
  if (document.device(subject.device) == nullptr) return deny(reason::kDeviceNotInPolicy);
  const Program* program = document.program(subject.program);
  if (program == nullptr) return deny(reason::kProgramNotInPolicy);
  if (!is_pinned_to(*program, subject)) return deny(reason::kProgramPinMismatch);
  // No key has an empty name, and "*" must not grant one.
  if (uses_key(action) && key.empty()) return deny(reason::kNoRule);

  const Rule* granting = nullptr;
  for (const Rule& rule : document.rules) {
    if (!applies(rule, subject, action, key)) continue;
    if (rule.result == Verdict::deny) return deny(reason::kDeniedByRule, rule.name);
    if (granting == nullptr) granting = &rule;
  }
  if (granting == nullptr) return deny(reason::kNoRule);
  return {
      .verdict = granting->result, .reason = std::string(reason::kAllowed), .rule = granting->name};
}

}  // namespace nae::policy
