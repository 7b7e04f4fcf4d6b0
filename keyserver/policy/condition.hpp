// The conditions of a rule, one row each: how it is answered, for decisions and for explanations.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "keyserver/policy/document.hpp"
#include "keyserver/policy/subject.hpp"

namespace nae::policy {

// What cannot be determined fails an allowing rule and matches a denying one.
enum class Match : std::uint8_t { no, undetermined, yes };

// One request for a decision, and what its conditions share.
class Question {
 public:
  // Keeps references to all but `now_us`.
  Question(const Document& document, const Subject& subject, Action action, const AskedKey& key,
           std::int64_t now_us);

  const Subject& subject;
  const Action action;
  const std::string_view key;
  const std::string_view key_origin;
  const std::int64_t now_us;
  // Nothing when none is known, or its text is no address.
  const std::optional<Address> device_address, client_address;
  // The proven user; nullptr when there is none, the proof has expired or its issuer is not
  // declared any more.
  const User* const user;
};

struct Condition {
  std::string_view name;  // the field, as the document calls it
  bool is_timed;          // its answer may change while document, subject, action and key do not
  Match (*match)(const Rule&, const Question&);
  std::string (*wants)(const Rule&);      // for people: "10.0.0.0/8"
  std::string (*found)(const Question&);  // for people: "192.0.2.7"
};

// A rule applies when all match. Cheap and selective ones first; the timed ones last.
std::span<const Condition> conditions();

// All conditions of `rule` together: the least of their answers. `timed` chooses those of which
// is_timed is the same.
Match match(const Rule& rule, const Question& question, bool timed);

// By which entry of `roles` the subject matches, and by which of its roles: the effective one
// before a membership, and of each the first entry of the document.
struct MatchedRole {
  std::string_view entry, role;
};
std::optional<MatchedRole> matched_role(const Rule& rule, const Subject& subject);

// When the answer of the timed conditions may differ for the first time after `question.now_us`.
std::int64_t changes_at(const Rule& rule, const Question& question);

}  // namespace nae::policy
