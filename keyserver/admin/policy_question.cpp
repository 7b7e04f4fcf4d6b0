// /v1/policy/test: may this subject do this, and why?
#include <algorithm>

#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/policy/explain.hpp"
#include "libnae/base/served.hpp"
#include "libnae/base/text.hpp"

namespace nae::admin {
namespace {

struct Question {
  policy::Subject subject;
  Action action{};
  std::string key;
  std::int64_t at_us = 0;
};

// Claims come as "name=value", one value each; a name may come again.
Result<void> read_claims(const std::vector<std::string>& texts, policy::User& user) {
  for (const std::string& text : texts) {
    std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return fail(Code::invalid_argument, "a claim is written name=value");
    user.claims[text.substr(0, equals)].push_back(text.substr(equals + 1));
  }
  return {};
}

// A user who is taken as proven for the question. The only declared issuer needs no name.
Result<std::optional<policy::User>> read_user(api::Fields& fields,
                                              const policy::Document& document) {
  NAE_ASSIGN(std::optional<std::string> subject, fields.optional_text("user"));
  NAE_ASSIGN(std::optional<std::string> issuer, fields.optional_text("issuer"));
  NAE_ASSIGN(std::vector<std::string> claims, fields.optional_texts("claims"));
  if (!subject) {
    if (issuer || !claims.empty())
      return fail(Code::invalid_argument, "issuer and claims are those of a user, who is missing");
    return std::nullopt;
  }
  if (!issuer && document.issuers.size() == 1) issuer = document.issuers.front().name;
  if (!issuer || document.issuer(*issuer) == nullptr)
    return fail(Code::invalid_argument, issuer ? "no [[issuer]] is named \"" + *issuer + "\""
                                               : std::string("the issuer of the user is missing"));
  policy::User user{*issuer, *subject, {}, policy::kForever};
  NAE_TRY(read_claims(claims, user));
  return user;
}

Result<void> read_roles(api::Fields& fields, policy::Subject& subject) {
  NAE_ASSIGN(subject.effective_role, fields.text("role"));
  NAE_ASSIGN(std::optional<std::string> login, fields.optional_text("login_role"));
  NAE_ASSIGN(std::optional<std::string> session, fields.optional_text("session_role"));
  NAE_ASSIGN(subject.memberships, fields.optional_texts("member_of"));
  subject.login_role = login.value_or(subject.effective_role);
  subject.session_role = session.value_or(subject.login_role);
  std::sort(subject.memberships.begin(), subject.memberships.end());
  return {};
}

Result<Question> read_question(AdminCall& call, const policy::Document& document) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  Question question;
  policy::Subject& subject = question.subject;
  NAE_TRY(read_roles(fields, subject));
  NAE_ASSIGN(subject.database, fields.text("database"));
  NAE_ASSIGN(subject.program, fields.text("program"));
  NAE_ASSIGN(subject.device, fields.text("device"));
  NAE_ASSIGN(std::string action_name, fields.text("action"));
  NAE_ASSIGN(std::optional<std::string> key, fields.optional_text("key"));
  NAE_ASSIGN(std::optional<std::string> executable, fields.optional_text("executable"));
  NAE_ASSIGN(std::optional<std::string> digest, fields.optional_text("executable_sha256"));
  NAE_ASSIGN(std::optional<std::string> network, fields.optional_text("device_address"));
  NAE_ASSIGN(std::optional<std::string> client, fields.optional_text("client_address"));
  NAE_ASSIGN(std::optional<std::string> at, fields.optional_text("at"));
  NAE_ASSIGN(subject.user, read_user(fields, document));
  NAE_TRY(fields.complete());
  for (const auto& address : {network, client})
    if (address && !policy::parse_address(*address))
      return fail(Code::invalid_argument, "\"" + *address + "\" is no IP address");
  subject.device_address = network.value_or("");
  subject.client_address = client.value_or("");
  subject.executable = executable.value_or("");
  NAE_ASSIGN(subject.executable_sha256, from_hex(digest.value_or("")));
  std::optional<Action> action = action_from_name(action_name);
  if (!action || !is_served(*action))
    return fail(Code::invalid_argument, "no action is called \"" + action_name + "\"");
  question.action = *action;
  question.key = key.value_or("");
  question.at_us = call.now_us;
  if (at) {
    NAE_ASSIGN(question.at_us, api::parse_time(*at));
  }
  return question;
}

json::array rules_json(const std::vector<policy::RuleAnswer>& answers) {
  json::array rules;
  for (const policy::RuleAnswer& answer : answers) {
    json::array unmet;
    for (const policy::Unmet& one : answer.unmet)
      unmet.push_back({{"condition", one.condition},
                       {"wants", one.wants},
                       {"found", one.found},
                       {"undetermined", one.undetermined}});
    rules.push_back(
        {{"rule", answer.rule}, {"result", answer.result}, {"unmet", std::move(unmet)}});
  }
  return rules;
}

}  // namespace

Result<Reply> test_policy(AdminCall& call) {
  auto snapshot = call.parts.policy.snapshot();
  NAE_ASSIGN(Question question, read_question(call, *snapshot->document));
  call.audit_target = question.key;
  call.audit_detail = question.subject.effective_role + " " + std::string(name(question.action));
  const keys::KeyPointer known = call.parts.keys.ring.find(question.key);
  const policy::AskedKey key(question.key,
                             known ? keys::name(known->origin()) : std::string_view());
  policy::Explanation explanation =
      policy::explain(*snapshot->document, question.subject, question.action, key, question.at_us);
  const policy::Decision& decision = explanation.decision;
  json::array masks, limits;
  for (const policy::Mask& mask : decision.masks) masks.push_back(json::string(to_text(mask)));
  for (const policy::LimitUse& use : decision.limits)
    limits.push_back({{"rule", use.rule}, {"limit", to_text(use.limit)}});
  json::value valid_until;
  if (decision.valid_until_us != policy::kForever)
    valid_until = json::string(api::format_time(decision.valid_until_us));
  return Reply{{{"allowed", decision.allowed()},
                {"verdict", policy::name(decision.verdict)},
                {"reason", decision.reason},
                {"rule", decision.rule},
                {"masks", std::move(masks)},
                {"limits", std::move(limits)},
                {"valid_until", std::move(valid_until)},
                {"applying", rules_json(explanation.applying)},
                {"near", rules_json(explanation.near)},
                {"policy_version", snapshot->number}}};
}

}  // namespace nae::admin
