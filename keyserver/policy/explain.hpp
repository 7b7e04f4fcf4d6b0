// Why a decision is what it is, for the officer who writes the policy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keyserver/policy/document.hpp"
#include "keyserver/policy/subject.hpp"
#include "keyserver/policy/verdict.hpp"

namespace nae::policy {

inline constexpr std::size_t kMaxNearRules = 5;
inline constexpr std::size_t kMaxNearConditions = 2;

// One condition that is not met, in words.
struct Unmet {
  std::string condition;  // the field
  std::string wants;
  std::string found;
  bool undetermined = false;
};

struct RuleAnswer {
  std::string rule;
  std::string result;  // as the document writes it: "mask(last=4)"
  std::vector<Unmet> unmet;
};

struct Explanation {
  Decision decision;
  std::vector<RuleAnswer> applying;  // by name; a denying rule may apply by undetermined conditions
  // When no rule applies: allowing rules of this action that miss by kMaxNearConditions at most,
  // the nearest first.
  std::vector<RuleAnswer> near;
};

Explanation explain(const Document& document, const Subject& subject, Action action,
                    const AskedKey& key, std::int64_t now_us);

std::string result_text(const Rule& rule);

}  // namespace nae::policy
