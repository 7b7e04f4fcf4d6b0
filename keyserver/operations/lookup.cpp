#include "keyserver/operations/lookup.hpp"

#include "keyserver/keys/state.hpp"
#include "libnae/base/text.hpp"

namespace nae::operations {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ",") + text;
  return all;
}

std::optional<std::string> time_text(std::int64_t time_us) {
  std::string text;
  audit::append_time(text, time_us);
  return text;
}

bool may_use(Caller& caller, const Parts& parts, const keys::Key& key, std::int64_t now_us) {
  for (Action action : row(key.type).actions)
    if (key.attributes.allows(action) &&
        caller.decide(parts.policy, parts.ring, action, key.name, now_us).allowed())
      return true;
  return false;
}

}  // namespace

Table whoami(Caller& caller, const Parts& parts, std::int64_t now_us) {
  // No user is shown whose token does not hold any more.
  const bool proven = caller.prove_user(parts.policy, now_us).has_value();

  const policy::Subject& subject = caller.subject();
  const policy::User* user = proven && subject.user ? &*subject.user : nullptr;
  const ProgramAttestation& program = caller.program();
  auto text = [](std::string value) { return std::optional(std::move(value)); };
  Table table;
  table.columns = {"property", "value"};
  table.rows = {
      {text("device"), text(subject.device)},
      {text("program"), text(subject.program)},
      {text("executable"), text(program.executable)},
      {text("executable_sha256"), text(to_hex(program.executable_sha256))},
      {text("uid"), text(std::to_string(program.uid))},
      {text("database"), text(subject.database)},
      {text("role"), text(subject.effective_role)},
      {text("session_role"), text(subject.session_role)},
      {text("login_role"), text(subject.login_role)},
      {text("memberships"), text(joined(subject.memberships))},
      {text("user"), user ? text(user->subject) : std::nullopt},
      {text("user_issuer"), user ? text(user->issuer) : std::nullopt},
      {text("user_expires_at"), user ? time_text(user->expires_at_us) : std::nullopt},
      {text("server_id"), text(parts.settings.server_id)},
      {text("policy_revision"), text(std::to_string(parts.policy.snapshot()->number))},
  };
  return table;
}

Table usable_keys(Caller& caller, const Parts& parts, std::int64_t now_us) {
  Table table;
  table.columns = {"name",    "type",    "state", "primary_version",
                   "actions", "results", "rules", "origin"};
  for (const keys::KeyPointer& key : parts.ring.list()) {
    std::vector<std::string> actions, results, rules;
    for (Action action : row(key->type).actions) {
      if (!key->attributes.allows(action)) continue;
      const policy::Decision& decision =
          caller.decide(parts.policy, parts.ring, action, key->name, now_us);
      if (!decision.allowed()) continue;
      actions.emplace_back(name(action));
      results.emplace_back(policy::name(decision.verdict));
      rules.push_back(decision.rule);
    }
    if (actions.empty()) continue;
    const keys::Version* primary = key->primary();
    keys::State state = primary ? primary->state : key->versions.back().state;
    auto& cells = table.rows.emplace_back();
    cells.emplace_back(key->name);
    cells.emplace_back(std::string(name(key->type)));
    cells.emplace_back(std::string(name(state)));
    if (primary)
      cells.emplace_back(std::to_string(primary->number));
    else
      cells.emplace_back(std::nullopt);
    cells.emplace_back(joined(actions));
    cells.emplace_back(joined(results));
    cells.emplace_back(joined(rules));
    cells.emplace_back(std::string(keys::name(key->origin())));
  }
  return table;
}

Table usable_key_ids(Caller& caller, const Parts& parts, std::int64_t now_us) {
  Table table;
  table.columns = {"name", "id"};
  for (const keys::KeyPointer& key : parts.ring.list()) {
    if (!may_use(caller, parts, *key, now_us)) continue;
    auto& cells = table.rows.emplace_back();
    cells.emplace_back(key->name);
    cells.emplace_back(to_hex(key->id.bytes));
  }
  return table;
}

}  // namespace nae::operations
