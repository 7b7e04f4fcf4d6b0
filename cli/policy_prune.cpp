// nae policy prune
#include <ostream>

#include "cli/confirmation.hpp"
#include "cli/local_time.hpp"
#include "cli/moment.hpp"
#include "cli/policy_command.hpp"

namespace nae::cli {
namespace {

using admin::api::items;

struct PruneOptions {
  std::string before;
  bool yes = false;
};

Outcome<ExitCode> prune(Call& call, const PruneOptions& options) {
  NAE_ASSIGN(const std::string before, utc_of(options.before));
  NAE_ANSWER(auto server, call.server());
  NAE_TRY_OUTCOME(
      confirmed(call, options.yes,
                "The key server removes the texts of policy versions that another one replaced "
                "before " +
                    local_time_with_zone(before) +
                    ".\nWho applied them, when and why stays, and the SHA-256 of each text."));
  NAE_ANSWER(json::value answer, server->call("POST", "/v1/policy/prune", {{"before", before}}));
  call.show(answer, [&] {
    const auto versions = items(answer, "versions");
    if (versions.empty()) {
      call.out << "There was nothing to remove.\n";
      return;
    }
    call.out << "Removed the texts of " << versions.size() << " versions:";
    for (const json::value& version : versions) call.out << ' ' << json::serialize(version);
    call.out << ".\n";
  });
  return kOk;
}

}  // namespace

void add_policy_prune(CLI::App& policy, Action& chosen) {
  auto [leaf, options] = add_leaf<PruneOptions>(
      policy, "prune", "Remove the texts of old versions; who applied them stays", chosen, prune);
  leaf->add_option("--before", options->before,
                   "Which were replaced before this time, such as \"400 days ago\"")
      ->required();
  add_yes(*leaf, options->yes);
  leaf->fallthrough()->footer(
      "Takes the role policy-admin, and a second one where 'nae policy apply' does. The version "
      "in\nforce stays, and those that requests waiting for approval were made against. Nothing "
      "brings a\ntext back: keep your own copies, by 'nae policy show --version'.\n\n"
      "Examples:\n"
      "  nae policy prune --before '400 days ago'\n"
      "  nae policy prune --before 2025-01-01 --yes");
}

}  // namespace nae::cli
