// What nae audit prune and nae policy prune share: a moment, a question, a request.
#pragma once

#include <string>

#include "cli/command.hpp"

namespace nae::cli {

struct PruneOptions {
  std::string before;
  bool yes = false;
};

// `meaning` of --before: what is older than that.
void add_prune_options(CLI::App& leaf, PruneOptions& options, const std::string& what);

// Asks on a terminal, `consequence` with the moment between its two parts, and then the server.
struct Consequence {
  std::string before_moment, after_moment;
};
Outcome<json::value> prune_before(Call& call, const PruneOptions& options, const std::string& path,
                                  const Consequence& consequence);

}  // namespace nae::cli
