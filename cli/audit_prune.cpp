// nae audit prune
#include <ostream>

#include "cli/audit_commands.hpp"
#include "cli/prune.hpp"
#include "keyserver/admin/api/json.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

Outcome<ExitCode> prune(Call& call, const PruneOptions& options) {
  const Consequence consequence{
      "The key server removes the segments of its audit log whose records are all older than ",
      ".\nWhat was not archived elsewhere is lost."};
  NAE_ANSWER(json::value answer, prune_before(call, options, "/v1/audit/prune", consequence));
  call.show(answer, [&] {
    call.out << "Removed " << shown(answer, "segments") << " segments with "
             << shown(answer, "records") << " records, up to record "
             << shown(answer, "archived_seq") << ".\n";
  });
  return kOk;
}

}  // namespace

void add_audit_prune(CLI::App& audit, Action& chosen) {
  auto [leaf, options] = add_leaf<PruneOptions>(
      audit, "prune", "Remove old segments, with a signed mark of what was removed", chosen, prune);
  add_prune_options(*leaf, *options, "Whose records are all older than");
  leaf->fallthrough()->footer(
      "Takes the role operator. Copy closed segments with the heads beside them first: nothing "
      "brings "
      "them\nback. Each is proved before any is removed, and the newest closed one stays. A mark "
      "that "
      "the HSM\nsigns says up to where the log was taken away, so that 'nae audit verify' stays "
      "true; "
      "what is missing\nbehind it is found as before. What logs of a group have of each other is "
      "compared "
      "behind the\nmark alone: do 'nae audit verify --group' first.\n\n"
      "Examples:\n"
      "  nae audit prune --before '400 days ago'\n"
      "  nae audit prune --before 2025-01-01 --yes");
}

}  // namespace nae::cli
