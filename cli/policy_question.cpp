// nae policy test: may this role do this with this key, and why?
#include <ostream>

#include "cli/local_time.hpp"
#include "cli/moment.hpp"
#include "cli/policy_command.hpp"
#include "cli/table.hpp"
#include "libnae/base/action.hpp"
#include "libnae/base/served.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

struct TestOptions {
  std::string role, database, program, device, action, key, executable, executable_sha256;
  std::string login_role, session_role, network, client_address, at, user, issuer;
  std::vector<std::string> member_of, claims;
};

json::object question_of(const TestOptions& options, const std::string& at) {
  json::object question{{"role", options.role},       {"database", options.database},
                        {"program", options.program}, {"device", options.device},
                        {"action", options.action},   {"key", options.key}};
  const std::pair<const char*, const std::string&> given[] = {
      {"executable", options.executable},
      {"executable_sha256", options.executable_sha256},
      {"login_role", options.login_role},
      {"session_role", options.session_role},
      {"device_address", options.network},
      {"client_address", options.client_address},
      {"at", at},
      {"user", options.user},
      {"issuer", options.issuer}};
  for (const auto& [name, text] : given)
    if (!text.empty()) question[name] = text;
  if (!options.member_of.empty())
    question["member_of"] = json::array(options.member_of.begin(), options.member_of.end());
  if (!options.claims.empty())
    question["claims"] = json::array(options.claims.begin(), options.claims.end());
  return question;
}

void print_unmet(std::ostream& out, const json::value& rule) {
  for (const json::value& unmet : items(rule, "unmet"))
    out << "  " << printable(shown(unmet, "condition")) << ": the rule wants "
        << printable(shown(unmet, "wants")) << ", found " << printable(shown(unmet, "found"))
        << (shown(unmet, "undetermined") == "true" ? " (undetermined)" : "") << '\n';
}

void print_reasons(std::ostream& out, const json::value& answer) {
  for (const json::value& rule : items(answer, "applying")) {
    out << "applies: " << printable(shown(rule, "rule")) << ", " << printable(shown(rule, "result"))
        << '\n';
    print_unmet(out, rule);
  }
  for (const json::value& rule : items(answer, "near")) {
    out << "near:    " << printable(shown(rule, "rule")) << ", " << printable(shown(rule, "result"))
        << '\n';
    print_unmet(out, rule);
  }
}

Outcome<ExitCode> test(Call& call, const TestOptions& options) {
  NAE_ASSIGN(const std::string at, utc_of(options.at));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("POST", "/v1/policy/test", question_of(options, at)));
  bool allowed = shown(answer, "allowed") == "true";
  call.show(answer, [&] {
    std::string rule = shown(answer, "rule"), until = shown(answer, "valid_until");
    call.out << (allowed ? "allowed" : "denied") << ": " << shown(answer, "verdict")
             << "\nreason:  " << shown(answer, "reason")
             << "\nrule:    " << (rule.empty() ? "none" : printable(rule)) << '\n';
    for (const json::value& mask : items(answer, "masks"))
      call.out << "mask:    " << printable(json::value_to<std::string>(mask)) << '\n';
    for (const json::value& limit : items(answer, "limits"))
      call.out << "limit:   " << shown(limit, "limit") << ", of " << printable(shown(limit, "rule"))
               << '\n';
    if (!until.empty()) call.out << "until:   " << local_time_with_zone(until) << '\n';
    call.out << "policy:  version " << shown(answer, "policy_version") << '\n';
    print_reasons(call.out, answer);
  });
  return allowed ? kOk : kRefused;
}

std::vector<std::string> action_names() {
  std::vector<std::string> names;
  for (std::uint8_t number = 1; number < 64; ++number)
    if (auto action = action_from_wire(number); action && is_served(*action))
      names.emplace_back(name(*action));
  return names;
}

}  // namespace

void add_policy_test(CLI::App& policy, Action& chosen) {
  auto [leaf, o] = add_leaf<TestOptions>(
      policy, "test", "May this role do this with this key? And why", chosen, test);
  leaf->add_option("--role", o->role, "Effective database role")->required();
  leaf->add_option("--database", o->database, "Database")->required();
  leaf->add_option("--program", o->program, "Program, as the agent names it")->required();
  leaf->add_option("--device", o->device, "Device: the host's certificate name")->required();
  leaf->add_option("--action", o->action, "Action")
      ->required()
      ->check(CLI::IsMember(action_names()));
  leaf->add_option("--key", o->key, "Name of the key; not needed for hash and random");
  leaf->add_option("--member-of", o->member_of, "A role it is a member of; may be repeated")
      ->expected(1);
  leaf->add_option("--login-role", o->login_role, "Role that logged in, if another");
  leaf->add_option("--session-role", o->session_role, "Session role, if not the login role");
  leaf->add_option("--network", o->network, "Address of the device");
  leaf->add_option("--client-address", o->client_address, "Address of the database's client");
  leaf->add_option("--at", o->at,
                   "When: 2026-01-31 08:00, \"in 2 days\", 2026-01-31T08:00Z; now when left out");
  leaf->add_option("--user", o->user, "Subject of a proven end user");
  leaf->add_option("--issuer", o->issuer, "Who vouches for the user; the only one when left out");
  leaf->add_option("--claim", o->claims, "name=value of the user's token; may be repeated")
      ->expected(1);
  leaf->add_option("--executable", o->executable, "Attested executable path, if pinned");
  leaf->add_option("--executable-sha256", o->executable_sha256,
                   "Attested executable digest in hexadecimal, if pinned");
  leaf->fallthrough()->footer(
      "Nothing is done but the decision; what is left out counts as unknown. When no rule "
      "applies,\n"
      "those that came close are named with the conditions that failed.\n"
      "Exit code 0: allowed, 1: denied.\n\n"
      "Example:\n"
      "  nae policy test --role billing --database shop --program postgres --device db1 \\\n"
      "      --action decrypt --key customer-pii --at 2026-01-31T08:00:00Z --network 10.20.1.5");
}

}  // namespace nae::cli
