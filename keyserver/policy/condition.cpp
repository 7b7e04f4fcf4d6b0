#include "keyserver/policy/condition.hpp"

#include <algorithm>

#include "keyserver/policy/pattern.hpp"

namespace nae::policy {
namespace {

using Texts = std::vector<std::string>;

Match matches(const Texts& patterns, std::string_view text) {
  bool found = std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return pattern_matches(pattern, text); });
  return found ? Match::yes : Match::no;
}

Match matches_or_any(const Texts& patterns, std::string_view text) {
  return patterns.empty() ? Match::yes : matches(patterns, text);
}

Match lies_in(const std::vector<Network>& networks, const std::optional<Address>& address) {
  if (networks.empty()) return Match::yes;
  if (!address) return Match::undetermined;
  bool found = std::ranges::any_of(
      networks, [&](const Network& network) { return network.contains(*address); });
  return found ? Match::yes : Match::no;
}

std::string joined(const Texts& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string joined(const std::vector<Network>& networks) {
  Texts texts;
  for (const Network& network : networks) texts.push_back(to_text(network));
  return joined(texts);
}

std::string or_unknown(std::string_view text) {
  return text.empty() ? "unknown" : std::string(text);
}

// --- who and what

Match match_action(const Rule& rule, const Question& question) {
  return rule.actions.contains(question.action) ? Match::yes : Match::no;
}
std::string wants_actions(const Rule& rule) {
  Texts names;
  for (std::uint8_t number = 1; number < 32; ++number)
    if (auto action = action_from_wire(number); action && rule.actions.contains(*action))
      names.emplace_back(name(*action));
  return joined(names);
}

Match match_key(const Rule& rule, const Question& question) {
  return uses_key(question.action) ? matches(rule.keys, question.key) : Match::yes;
}
// Of a key that is not there, or was made by a server that did not write it down, nothing is known.
Match match_key_origin(const Rule& rule, const Question& question) {
  if (rule.key_origins.empty() || !uses_key(question.action)) return Match::yes;
  if (std::ranges::find(rule.key_origins, question.key_origin) != rule.key_origins.end())
    return Match::yes;
  const bool is_known = !question.key_origin.empty() && question.key_origin != "unknown";
  return is_known ? Match::no : Match::undetermined;
}
Match match_database(const Rule& rule, const Question& question) {
  return matches_or_any(rule.databases, question.subject.database);
}
Match match_device(const Rule& rule, const Question& question) {
  return matches_or_any(rule.devices, question.subject.device);
}
Match match_program(const Rule& rule, const Question& question) {
  return matches_or_any(rule.programs, question.subject.program);
}

Match match_role(const Rule& rule, const Question& question) {
  return matched_role(rule, question.subject) ? Match::yes : Match::no;
}
std::string found_roles(const Question& question) {
  std::string text = question.subject.effective_role;
  if (!question.subject.memberships.empty())
    text += ", member of " + joined(question.subject.memberships);
  return text;
}

Match match_network(const Rule& rule, const Question& question) {
  return lies_in(rule.networks, question.device_address);
}
Match match_client_network(const Rule& rule, const Question& question) {
  return lies_in(rule.client_networks, question.client_address);
}

Match match_delegation(const Rule& rule, const Question& question) {
  if (!rule.delegation) return Match::yes;
  const Subject& subject = question.subject;
  // One that is known to differ settles it, whatever the other is.
  bool session_differs =
      !subject.session_role.empty() && subject.session_role != subject.effective_role;
  bool login_differs = !subject.login_role.empty() && subject.login_role != subject.effective_role;
  bool is_delegated = session_differs || login_differs;
  if (!is_delegated && (subject.session_role.empty() || subject.login_role.empty()))
    return Match::undetermined;
  return is_delegated == *rule.delegation ? Match::yes : Match::no;
}
std::string found_delegation(const Question& question) {
  return "login role " + or_unknown(question.subject.login_role) + ", session role " +
         or_unknown(question.subject.session_role) + ", effective role " +
         question.subject.effective_role;
}

// --- the proven user: who does not prove one could be anybody

Match match_issuer(const Rule& rule, const Question& question) {
  if (rule.user.issuers.empty()) return Match::yes;
  if (question.user == nullptr) return Match::undetermined;
  return matches(rule.user.issuers, question.user->issuer);
}
Match match_user(const Rule& rule, const Question& question) {
  if (rule.user.users.empty()) return Match::yes;
  if (question.user == nullptr) return Match::undetermined;
  return matches(rule.user.users, question.user->subject);
}

// A claim that the token leaves out is not known to be another.
Match match_claims(const Rule& rule, const Question& question) {
  if (rule.user.claims.empty()) return Match::yes;
  if (question.user == nullptr) return Match::undetermined;
  Match least = Match::yes;
  for (const auto& [claim, wanted] : rule.user.claims) {
    auto found = question.user->claims.find(claim);
    bool is_known = found != question.user->claims.end() && !found->second.empty();
    Match one = Match::undetermined;
    if (is_known)
      one = std::ranges::find_first_of(found->second, wanted) != found->second.end() ? Match::yes
                                                                                     : Match::no;
    least = std::min(least, one);
  }
  return least;
}
std::string wants_claims(const Rule& rule) {
  Texts texts;
  for (const auto& [claim, wanted] : rule.user.claims)
    texts.push_back(claim + " = " + joined(wanted));
  return joined(texts);
}
std::string found_claims(const Question& question) {
  if (question.user == nullptr) return "no proven user";
  Texts texts;
  for (const auto& [claim, values] : question.user->claims)
    texts.push_back(claim + " = " + joined(values));
  return texts.empty() ? "none" : joined(texts);
}

// --- time

Match match_week(const Rule& rule, const Question& question) {
  return rule.schedule.holds_weekly(question.now_us) ? Match::yes : Match::no;
}
Match match_period(const Rule& rule, const Question& question) {
  return rule.schedule.holds_period(question.now_us) ? Match::yes : Match::no;
}
std::string wants_period(const Rule& rule) {
  std::string text;
  if (rule.schedule.not_before_us) text += "from " + utc_text(*rule.schedule.not_before_us);
  if (rule.schedule.not_after_us)
    text += (text.empty() ? "until " : " until ") + utc_text(*rule.schedule.not_after_us);
  return text;
}
std::string found_time(const Question& question) {
  return utc_text(question.now_us);
}

constexpr Condition kConditions[] = {
    {"actions", false, match_action, wants_actions,
     [](const Question& question) { return std::string(name(question.action)); }},
    {"keys", false, match_key, [](const Rule& rule) { return joined(rule.keys); },
     [](const Question& question) { return std::string(question.key); }},
    {"key_origins", false, match_key_origin,
     [](const Rule& rule) { return joined(rule.key_origins); },
     [](const Question& question) { return or_unknown(question.key_origin); }},
    {"databases", false, match_database, [](const Rule& rule) { return joined(rule.databases); },
     [](const Question& question) { return question.subject.database; }},
    {"devices", false, match_device, [](const Rule& rule) { return joined(rule.devices); },
     [](const Question& question) { return question.subject.device; }},
    {"programs", false, match_program, [](const Rule& rule) { return joined(rule.programs); },
     [](const Question& question) { return question.subject.program; }},
    {"roles", false, match_role, [](const Rule& rule) { return joined(rule.roles); }, found_roles},
    {"networks", false, match_network, [](const Rule& rule) { return joined(rule.networks); },
     [](const Question& question) { return or_unknown(question.subject.device_address); }},
    {"client_networks", false, match_client_network,
     [](const Rule& rule) { return joined(rule.client_networks); },
     [](const Question& question) { return or_unknown(question.subject.client_address); }},
    {"delegation", false, match_delegation,
     [](const Rule& rule) {
       return std::string(!rule.delegation   ? ""
                          : *rule.delegation ? "a delegated role"
                                             : "no delegation");
     },
     found_delegation},
    {"issuers", true, match_issuer, [](const Rule& rule) { return joined(rule.user.issuers); },
     [](const Question& question) {
       return question.user == nullptr ? "no proven user" : question.user->issuer;
     }},
    {"users", true, match_user, [](const Rule& rule) { return joined(rule.user.users); },
     [](const Question& question) {
       return question.user == nullptr ? "no proven user" : question.user->subject;
     }},
    {"claims", true, match_claims, wants_claims, found_claims},
    {"not_before, not_after", true, match_period, wants_period, found_time},
    {"weekdays, hours", true, match_week,
     [](const Rule& rule) { return rule.schedule.weekly ? rule.schedule.weekly->text : ""; },
     found_time},
};

const User* proven_user(const Document& document, const Subject& subject, std::int64_t now_us) {
  if (!subject.user || now_us >= subject.user->expires_at_us ||
      document.issuer(subject.user->issuer) == nullptr)
    return nullptr;
  return &*subject.user;
}

}  // namespace

Question::Question(const Document& document, const Subject& asking, Action wanted_action,
                   const AskedKey& wanted_key, std::int64_t at_us)
    : subject(asking),
      action(wanted_action),
      key(wanted_key.name),
      key_origin(wanted_key.origin),
      now_us(at_us),
      device_address(parse_address(asking.device_address)),
      client_address(parse_address(asking.client_address)),
      user(proven_user(document, asking, at_us)) {}

std::span<const Condition> conditions() {
  return kConditions;
}

// A subject may have thousands of memberships.
std::optional<MatchedRole> matched_role(const Rule& rule, const Subject& subject) {
  const auto match_of = [&](const std::string& role) -> std::optional<MatchedRole> {
    const auto entry = std::ranges::find_if(
        rule.roles, [&](const std::string& pattern) { return pattern_matches(pattern, role); });
    if (entry == rule.roles.end()) return std::nullopt;
    return MatchedRole{*entry, role};
  };
  if (auto effective = match_of(subject.effective_role)) return effective;
  for (const std::string& membership : subject.memberships)
    if (auto member = match_of(membership)) return member;
  return std::nullopt;
}

Match match(const Rule& rule, const Question& question, bool timed) {
  Match least = Match::yes;
  for (const Condition& condition : kConditions) {
    if (condition.is_timed != timed) continue;
    least = std::min(least, condition.match(rule, question));
    if (least == Match::no) break;
  }
  return least;
}

std::int64_t changes_at(const Rule& rule, const Question& question) {
  std::int64_t change_us = rule.schedule.changes_at(question.now_us);
  if (question.user != nullptr && !rule.user.empty())
    change_us = std::min(change_us, question.user->expires_at_us);
  return change_us;
}

}  // namespace nae::policy
