// nae policy prune
#include <ostream>

#include "cli/policy_command.hpp"
#include "cli/prune.hpp"

namespace nae::cli {
namespace {

using admin::api::items;

Outcome<ExitCode> prune(Call& call, const PruneOptions& options) {
  const Consequence consequence{
      "The key server removes the texts of policy versions that another one replaced before ",
      ".\nWho applied them, when and why stays, and the SHA-256 of each text."};
  NAE_ANSWER(json::value answer, prune_before(call, options, "/v1/policy/prune", consequence));
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
  add_prune_options(*leaf, *options, "Which were replaced before");
  leaf->fallthrough()->footer(
      "Takes the role policy-admin, and a second one where 'nae policy apply' does. The version "
      "in\nforce stays, and those that requests waiting for approval were made against. Nothing "
      "brings a\ntext back: keep your own copies, by 'nae policy show --version'.\n\n"
      "Examples:\n"
      "  nae policy prune --before '400 days ago'\n"
      "  nae policy prune --before 2025-01-01 --yes");
}

}  // namespace nae::cli
