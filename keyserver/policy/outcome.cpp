#include "keyserver/policy/outcome.hpp"

#include <algorithm>
#include <set>

#include "keyserver/policy/condition.hpp"
#include "keyserver/policy/explain.hpp"

namespace nae::policy {
namespace {

// The conditions that difference.cpp goes through name by name.
constexpr std::string_view kEnumerated[] = {"actions", "keys",     "databases",
                                            "devices", "programs", "roles"};

std::string limits_text(const Rule& rule) {
  std::vector<Limit> limits = rule.limits;
  std::ranges::sort(limits);
  std::string text;
  for (const Limit& limit : limits) text += (text.empty() ? " at most " : " and ") + to_text(limit);
  return text;
}

std::string shown_result(const Rule& rule) {
  if (rule.result == Verdict::deny) return std::string(kDeniedOutcome);
  return rule.result == Verdict::masked ? "masked " + result_text(rule) : result_text(rule);
}

std::string clause(const Rule& rule) {
  std::string when = further_conditions(rule);
  return shown_result(rule) + limits_text(rule) + (when.empty() ? "" : " when " + when);
}

}  // namespace

std::string further_conditions(const Rule& rule) {
  std::string text;
  for (const Condition& condition : conditions()) {
    if (std::ranges::find(kEnumerated, condition.name) != std::end(kEnumerated)) continue;
    std::string wants = condition.wants(rule);
    if (!wants.empty())
      text += (text.empty() ? "" : " and ") + std::string(condition.name) + " " + wants;
  }
  return text;
}

std::string decision_of(const Rule& rule) {
  std::string text = clause(rule);
  for (const Condition& condition : conditions())
    text += "\n" + std::string(condition.name) + " " + condition.wants(rule);
  return text;
}

std::string outcome_of(std::span<const Rule* const> rules) {
  Verdict always = Verdict::value;  // the most restrictive result that asks for nothing further
  bool has_always = false, allows = false;
  for (const Rule* rule : rules) {
    allows = allows || rule->result != Verdict::deny;
    if (!further_conditions(*rule).empty()) continue;
    always = std::min(always, rule->result);
    has_always = true;
  }
  if (!allows || always == Verdict::deny) return std::string(kDeniedOutcome);
  std::set<std::string> clauses;
  for (const Rule* rule : rules) {
    // A result that never wins is not shown, its limits are.
    bool never_wins = has_always && rule->result > always;
    if (!never_wins) clauses.insert(clause(*rule));
    if (never_wins && !rule->limits.empty()) {
      std::string when = further_conditions(*rule);
      clauses.insert(limits_text(*rule).substr(1) + (when.empty() ? "" : " when " + when));
    }
  }
  std::string text;
  for (const std::string& one : clauses) text += (text.empty() ? "" : "; ") + one;
  return text;
}

}  // namespace nae::policy
