// nae policy apply | show | history | test
#include <ostream>

#include "cli/command.hpp"
#include "cli/table.hpp"
#include "libnae/base/action.hpp"
#include "libnae/base/file.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

constexpr std::size_t kMaxDocumentBytes = 1u << 20;  // the server's own bound

struct ApplyOptions {
  std::string file, comment;
};
Outcome<ExitCode> apply(Call& call, const ApplyOptions& options) {
  NAE_ASSIGN(std::string document, read_file(options.file, kMaxDocumentBytes));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(
      json::value answer,
      server->call("PUT", "/v1/policy", {{"document", document}, {"comment", options.comment}}));
  call.show(answer, [&] {
    call.out << "Policy version " << shown(answer, "version")
             << " is in force; rules: " << shown(answer, "rules") << ".\n";
  });
  return kOk;
}

struct ShowOptions {
  unsigned version = 0;
};
Outcome<ExitCode> show(Call& call, const ShowOptions& options) {
  NAE_ANSWER(auto server, call.server());
  std::string version = options.version ? std::to_string(options.version) : std::string();
  NAE_ANSWER(json::value answer,
             server->call("GET", with_parameters("/v1/policy", {{"version", version}})));
  call.show(answer, [&] {
    call.out << "# version " << shown(answer, "version") << ", applied "
             << shown(answer, "applied_at") << " by " << printable(shown(answer, "applied_by"));
    if (std::string comment = shown(answer, "comment"); !comment.empty())
      call.out << ": " << printable(comment);
    call.out << '\n' << shown(answer, "document");
  });
  return kOk;
}

struct NoOptions {};
Outcome<ExitCode> history(Call& call, const NoOptions&) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("GET", "/v1/policy/history"));
  call.show(answer, [&] {
    Table table({"VERSION", "APPLIED", "BY", "COMMENT"});
    for (const json::value& version : items(answer, "versions"))
      table.add({shown(version, "version"), shown(version, "applied_at"),
                 shown(version, "applied_by"), shown(version, "comment")});
    table.print(call.out);
  });
  return kOk;
}

struct TestOptions {
  std::string role, database, program, device, action, key, executable, executable_sha256;
  std::vector<std::string> member_of;
};
Outcome<ExitCode> test(Call& call, const TestOptions& options) {
  json::object question{{"role", options.role},       {"database", options.database},
                        {"program", options.program}, {"device", options.device},
                        {"action", options.action},   {"key", options.key}};
  if (!options.executable.empty()) question["executable"] = options.executable;
  if (!options.executable_sha256.empty()) question["executable_sha256"] = options.executable_sha256;
  if (!options.member_of.empty())
    question["member_of"] = json::array(options.member_of.begin(), options.member_of.end());
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("POST", "/v1/policy/test", question));
  bool allowed = shown(answer, "allowed") == "true";
  call.show(answer, [&] {
    std::string rule = shown(answer, "rule");
    call.out << (allowed ? "allowed" : "denied") << ": " << shown(answer, "verdict")
             << "\nreason:  " << shown(answer, "reason")
             << "\nrule:    " << (rule.empty() ? "none" : printable(rule)) << "\npolicy:  version "
             << shown(answer, "policy_version") << '\n';
  });
  return allowed ? kOk : kRefused;
}

std::vector<std::string> action_names() {
  std::vector<std::string> names;
  for (std::uint8_t number = 1; number < 64; ++number)
    if (auto action = action_from_wire(number)) names.emplace_back(name(*action));
  return names;
}

}  // namespace

void add_policy(CLI::App& app, Action& chosen) {
  CLI::App* policy = app.add_subcommand("policy", "Apply, show and test the policy");
  policy->require_subcommand(1)->fallthrough();
  policy->footer(
      "Applying takes the role policy-admin; looking and testing take policy-admin or auditor.\n\n"
      "Examples:\n"
      "  nae policy apply policy.toml --comment 'billing may decrypt'\n"
      "  nae policy show");

  auto [apply_leaf, apply_options] = add_leaf<ApplyOptions>(
      *policy, "apply", "Check a policy document and put it in force", chosen, apply);
  apply_leaf->add_option("FILE", apply_options->file, "Policy document (TOML)")->required();
  apply_leaf->add_option("--comment", apply_options->comment, "Why, for the history");
  apply_leaf->fallthrough()->footer(
      "The document is checked as a whole: an error changes nothing. When the command returns,\n"
      "the new policy is in force on every connection.\n\n"
      "Example:\n  nae policy apply policy.toml --comment 'ticket 4711'");

  auto [show_leaf, show_options] =
      add_leaf<ShowOptions>(*policy, "show", "Print the policy in force", chosen, show);
  show_leaf->add_option("--version", show_options->version, "An earlier version instead")
      ->check(CLI::PositiveNumber);
  show_leaf->fallthrough()->footer(
      "Examples:\n  nae policy show > policy.toml\n  nae policy show --version 3");

  add_leaf<NoOptions>(*policy, "history", "List every version: who applied it, when, why", chosen,
                      history)
      .first->fallthrough()
      ->footer("Example:\n  nae policy history");

  auto [test_leaf, o] = add_leaf<TestOptions>(
      *policy, "test", "May this role do this with this key? And why", chosen, test);
  test_leaf->add_option("--role", o->role, "Effective database role")->required();
  test_leaf->add_option("--database", o->database, "Database")->required();
  test_leaf->add_option("--program", o->program, "Program, as the agent names it")->required();
  test_leaf->add_option("--device", o->device, "Device: the host's certificate name")->required();
  test_leaf->add_option("--action", o->action, "Action")
      ->required()
      ->check(CLI::IsMember(action_names()));
  test_leaf->add_option("--key", o->key, "Name of the key; not needed for hash and random");
  test_leaf->add_option("--member-of", o->member_of, "A role it is a member of; may be repeated")
      ->expected(1);
  test_leaf->add_option("--executable", o->executable, "Attested executable path, if pinned");
  test_leaf->add_option("--executable-sha256", o->executable_sha256,
                        "Attested executable digest in hexadecimal, if pinned");
  test_leaf->fallthrough()->footer(
      "Nothing is done but the decision. Exit code 0: allowed, 1: denied.\n\n"
      "Example:\n"
      "  nae policy test --role billing --database shop --program postgres --device db1 \\\n"
      "      --action decrypt --key customer-pii");
}

}  // namespace nae::cli
