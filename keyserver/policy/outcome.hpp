// What rules say together about one case, in words: two documents differ where these differ.
#pragma once

#include <span>
#include <string>

#include "keyserver/policy/document.hpp"

namespace nae::policy {

inline constexpr std::string_view kDeniedOutcome = "denied";

// What is asked besides roles, databases, devices, programs, keys and actions: "hours ...". Empty
// when nothing is.
std::string further_conditions(const Rule& rule);

// Everything a rule says but its name and line.
std::string decision_of(const Rule& rule);

// Of the rules that match a case but for their further conditions: "value", "masked mask(last=4)",
// "value at most 5 per hour per role", "value when networks 10.0.0.0/8", several with "; ".
std::string outcome_of(std::span<const Rule* const> rules);

}  // namespace nae::policy
