// nae policy apply | show | history | diff | rollback; test is in policy_question.cpp, prune in
// policy_prune.cpp
#include <optional>
#include <ostream>

#include "cli/input.hpp"
#include "cli/local_time.hpp"
#include "cli/policy_command.hpp"
#include "cli/table.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

constexpr std::size_t kShownDigits = 16;             // of a text's digest
constexpr std::size_t kMaxDocumentBytes = 1u << 20;  // the server's own bound

void print_warnings(std::ostream& out, const json::value& answer) {
  for (const json::value& text : items(answer, "warnings"))
    out << "warning: " << printable(json::value_to<std::string>(text)) << '\n';
}

Outcome<ExitCode> compare(Call& call, const json::object& documents) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("POST", "/v1/policy/diff", documents));
  call.show(answer, [&] { print_difference(call.out, answer); });
  return kOk;
}

Outcome<ExitCode> put_in_force(Call& call, Server& server, const std::string& document,
                               const std::string& comment,
                               std::optional<unsigned> if_revision = std::nullopt) {
  json::object wanted{{"document", document}, {"comment", comment}};
  if (if_revision) wanted["if_revision"] = *if_revision;
  NAE_ANSWER(json::value answer, server.call("PUT", "/v1/policy", wanted));
  call.show(answer, [&] {
    const bool unchanged = shown(answer, "unchanged") == "true";
    call.out << "Policy version " << shown(answer, "version")
             << (unchanged ? " is in force already: unchanged; rules: " : " is in force; rules: ")
             << shown(answer, "rules") << ".\n";
    print_warnings(call.out, answer);
  });
  return kOk;
}

struct ApplyOptions {
  std::string file, comment;
  bool dry_run = false;
  std::optional<unsigned> if_revision;
};
Outcome<ExitCode> apply(Call& call, const ApplyOptions& options) {
  NAE_ASSIGN(std::string document, content_of(options.file, kMaxDocumentBytes));
  if (options.dry_run) return compare(call, {{"document", document}});
  NAE_ANSWER(auto server, call.server());
  return put_in_force(call, *server, document, options.comment, options.if_revision);
}

struct DiffOptions {
  unsigned from = 0, to = 0;
};
// Without versions: what the newest one changed.
Outcome<ExitCode> diff(Call& call, const DiffOptions& options) {
  unsigned from = options.from, to = options.to;
  if (from == 0) {
    NAE_ANSWER(auto server, call.server());
    NAE_ANSWER(json::value newest, server->call("GET", "/v1/policy"));
    std::int64_t version = newest.at("version").to_number<std::int64_t>();
    if (version < 2) {
      call.show(newest, [&] { call.out << "There is no version before this one.\n"; });
      return kOk;
    }
    from = static_cast<unsigned>(version - 1);
  }
  json::object versions{{"from", from}};
  if (to != 0) versions["to"] = to;
  return compare(call, versions);
}

struct RollbackOptions {
  unsigned version = 0;
  std::string comment;
};
Outcome<ExitCode> rollback(Call& call, const RollbackOptions& options) {
  std::string version = std::to_string(options.version);
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value old,
             server->call("GET", with_parameters("/v1/policy", {{"version", version}})));
  std::string comment = "back to version " + version;
  if (!options.comment.empty()) comment += ": " + options.comment;
  return put_in_force(call, *server, shown(old, "document"), comment);
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
             << local_time_with_zone(shown(answer, "applied_at")) << " by "
             << printable(shown(answer, "applied_by"));
    if (std::string comment = shown(answer, "comment"); !comment.empty())
      call.out << ": " << printable(comment);
    call.out << '\n' << shown(answer, "document");
  });
  return kOk;
}

Outcome<ExitCode> history(Call& call, const NoOptions&) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("GET", "/v1/policy/history"));
  call.show(answer, [&] {
    Table table({"VERSION", zoned("APPLIED"), "BY", "COMMENT", "PRUNED", "SHA-256"});
    for (const json::value& version : items(answer, "versions"))
      table.add({shown(version, "version"), local_time(shown(version, "applied_at")),
                 shown(version, "applied_by"), shown(version, "comment"),
                 local_time(shown(version, "pruned_at")),
                 shown(version, "sha256").substr(0, kShownDigits)});
    call.print(table, {"SHA-256", "PRUNED"});
  });
  return kOk;
}

}  // namespace

void print_difference(std::ostream& out, const json::value& difference) {
  for (const json::value& text : items(difference, "declarations"))
    out << printable(json::value_to<std::string>(text)) << '\n';
  for (const json::value& change : items(difference, "changes"))
    out << printable(shown(change, "text")) << '\n';
  if (items(difference, "declarations").empty() && items(difference, "changes").empty())
    out << "No decision changes.\n";
  if (shown(difference, "complete") != "true") out << "There is more than one comparison covers.\n";
  print_warnings(out, difference);
}

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
  apply_leaf
      ->add_option("FILE", apply_options->file, "Policy document (TOML); - for standard input")
      ->required();
  apply_leaf->add_option("--comment", apply_options->comment, "Why, for the history");
  apply_leaf->add_option("--if-revision", apply_options->if_revision,
                         "Only when this version is still in force; 0: none was ever applied");
  apply_leaf->add_flag("--dry-run", apply_options->dry_run,
                       "Only say who would gain and lose what");
  apply_leaf->fallthrough()->footer(
      "The document is checked as a whole: an error changes nothing. When the command returns,\n"
      "the new policy is in force on every connection.\n\n"
      "Examples:\n"
      "  nae policy apply policy.toml --dry-run\n"
      "  nae policy apply policy.toml --if-revision 7 --comment 'ticket 4711'");

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

  auto [diff_leaf, diff_options] = add_leaf<DiffOptions>(
      *policy, "diff", "Who gains and loses what between two versions", chosen, diff);
  diff_leaf->add_option("FROM", diff_options->from, "Version; the newest but one when left out")
      ->check(CLI::PositiveNumber);
  diff_leaf->add_option("TO", diff_options->to, "Version; the one in force when left out")
      ->check(CLI::PositiveNumber);
  diff_leaf->fallthrough()->footer("Examples:\n  nae policy diff\n  nae policy diff 3 7");

  auto [rollback_leaf, rollback_options] = add_leaf<RollbackOptions>(
      *policy, "rollback", "Put an earlier version in force again", chosen, rollback);
  rollback_leaf->add_option("VERSION", rollback_options->version, "Which")
      ->required()
      ->check(CLI::PositiveNumber);
  rollback_leaf->add_option("--comment", rollback_options->comment, "Why, for the history");
  rollback_leaf->fallthrough()->footer(
      "Its text becomes a new version: history only grows.\n\n"
      "Example:\n  nae policy rollback 6 --comment 'ticket 4712'");

  add_policy_test(*policy, chosen);
  add_policy_prune(*policy, chosen);
}

}  // namespace nae::cli
