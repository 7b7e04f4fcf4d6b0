#include "cli/prune.hpp"

#include "cli/confirmation.hpp"
#include "cli/local_time.hpp"
#include "cli/moment.hpp"

namespace nae::cli {

void add_prune_options(CLI::App& leaf, PruneOptions& options, const std::string& what) {
  leaf.add_option("--before", options.before, what + " this time, such as \"400 days ago\"")
      ->required();
  add_yes(leaf, options.yes);
}

Outcome<json::value> prune_before(Call& call, const PruneOptions& options, const std::string& path,
                                  const Consequence& consequence) {
  NAE_ASSIGN(const std::string before, utc_of(options.before));
  NAE_ANSWER(auto server, call.server());
  NAE_TRY_OUTCOME(confirmed(
      call, options.yes,
      consequence.before_moment + local_time_with_zone(before) + consequence.after_moment));
  return server->call("POST", path, {{"before", before}});
}

}  // namespace nae::cli
