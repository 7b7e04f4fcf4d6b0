#include "keyserver/policy/decide.hpp"

#include <algorithm>

#include "keyserver/policy/condition.hpp"

namespace nae::policy {
namespace {

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

// Of rules that say the same the one with the smallest name is named: the order in the document
// never matters.
void take_smaller(const Rule*& named, const Rule& rule) {
  if (named == nullptr || rule.name < named->name) named = &rule;
}

// What the allowing rules that apply say together.
class Grant {
 public:
  void add(const Rule& rule, const Subject& subject) {
    if (rule.result == Verdict::masked) masks_.push_back(rule.mask);
    const auto matched = matched_role(rule, subject);
    for (const Limit& limit : rule.limits)
      limits_.push_back(
          use_of(limit, rule.name, {subject.device, matched->entry, subject.login_role}));
    if (decisive_ == nullptr || rule.result < decisive_->result)
      decisive_ = &rule;
    else if (rule.result == decisive_->result)
      take_smaller(decisive_, rule);
  }
  bool empty() const { return decisive_ == nullptr; }
  const Rule* decisive() const { return decisive_; }

  Decision decision() && {
    Decision decision = {.verdict = decisive_->result,
                         .reason = std::string(reason::kAllowed),
                         .rule = decisive_->name,
                         .limits = std::move(limits_)};
    std::ranges::sort(decision.limits, {}, &LimitUse::counter);
    if (decision.verdict != Verdict::masked) return decision;
    std::ranges::sort(masks_);
    masks_.erase(std::unique(masks_.begin(), masks_.end()), masks_.end());
    decision.masks = std::move(masks_);
    return decision;
  }

 private:
  const Rule* decisive_ = nullptr;
  std::vector<Mask> masks_;
  std::vector<LimitUse> limits_;
};

Decision decide_by_rules(const Document& document, const Question& question) {
  const Rule* denying = nullptr;
  Grant grant;
  std::int64_t valid_until_us = kForever;
  for (const Rule& rule : document.rules) {
    Match always = match(rule, question, false);
    if (always == Match::no) continue;
    valid_until_us = std::min(valid_until_us, changes_at(rule, question));
    Match least = std::min(always, match(rule, question, true));
    if (rule.result == Verdict::deny && least != Match::no)
      take_smaller(denying, rule);
    else if (rule.result != Verdict::deny && least == Match::yes)
      grant.add(rule, question.subject);
  }
  const Rule* decisive = denying != nullptr ? denying : grant.decisive();
  Decision decision = denying != nullptr ? deny(reason::kDeniedByRule, denying->name)
                      : grant.empty()    ? deny(reason::kNoRule)
                                         : std::move(grant).decision();
  if (decisive != nullptr) {
    const auto matched = matched_role(*decisive, question.subject);
    if (matched->role != question.subject.effective_role) decision.membership = matched->role;
  }
  decision.valid_until_us = valid_until_us;
  return decision;
}

}  // namespace

Decision decide(const Document& document, const Subject& subject, Action action,
                const AskedKey& key, std::int64_t now_us) {
  if (document.version == 0) return deny(reason::kNoPolicy);
  if (subject.device.empty() || subject.program.empty() || subject.database.empty() ||
      subject.effective_role.empty())
    return deny(reason::kSubjectUndetermined);
  if (document.device(subject.device) == nullptr) return deny(reason::kDeviceNotInPolicy);
  const Program* program = document.program(subject.program);
  if (program == nullptr) return deny(reason::kProgramNotInPolicy);
  if (!is_pinned_to(*program, subject)) return deny(reason::kProgramPinMismatch);
  // No key has an empty name, and "*" must not grant one.
  if (uses_key(action) && key.name.empty()) return deny(reason::kNoRule);
  return decide_by_rules(document, Question(document, subject, action, key, now_us));
}

}  // namespace nae::policy
