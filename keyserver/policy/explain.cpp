#include "keyserver/policy/explain.hpp"

#include <algorithm>

#include "keyserver/policy/condition.hpp"
#include "keyserver/policy/decide.hpp"

namespace nae::policy {
namespace {

RuleAnswer answer_of(const Rule& rule, const Question& question) {
  RuleAnswer answer{rule.name, result_text(rule), {}};
  for (const Condition& condition : conditions()) {
    Match match = condition.match(rule, question);
    if (match != Match::yes)
      answer.unmet.push_back({std::string(condition.name), condition.wants(rule),
                              condition.found(question), match == Match::undetermined});
  }
  return answer;
}

bool applies(const Rule& rule, const RuleAnswer& answer) {
  return std::ranges::all_of(answer.unmet, [&](const Unmet& unmet) {
    return rule.result == Verdict::deny && unmet.undetermined;
  });
}

}  // namespace

std::string result_text(const Rule& rule) {
  return rule.result == Verdict::masked ? to_text(rule.mask) : std::string(name(rule.result));
}

Explanation explain(const Document& document, const Subject& subject, Action action,
                    const AskedKey& key, std::int64_t now_us) {
  Explanation explanation{decide(document, subject, action, key, now_us), {}, {}};
  std::string_view why = explanation.decision.reason;
  if (why != reason::kAllowed && why != reason::kNoRule && why != reason::kDeniedByRule)
    return explanation;  // no rule was asked

  Question question(document, subject, action, key, now_us);
  for (const Rule& rule : document.rules) {
    RuleAnswer answer = answer_of(rule, question);
    if (applies(rule, answer))
      explanation.applying.push_back(std::move(answer));
    else if (why == reason::kNoRule && rule.result != Verdict::deny &&
             rule.actions.contains(action) && answer.unmet.size() <= kMaxNearConditions)
      explanation.near.push_back(std::move(answer));
  }
  std::ranges::sort(explanation.applying, {}, &RuleAnswer::rule);
  std::ranges::sort(explanation.near, {}, [](const RuleAnswer& answer) {
    return std::pair(answer.unmet.size(), answer.rule);
  });
  if (explanation.near.size() > kMaxNearRules) explanation.near.resize(kMaxNearRules);
  return explanation;
}

}  // namespace nae::policy
