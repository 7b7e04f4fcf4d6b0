// nae clock accept
#include <ostream>

#include "cli/command.hpp"
#include "cli/table.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

struct AcceptOptions {
  std::string reason;
};

Outcome<ExitCode> accept(Call& call, const AcceptOptions& options) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer,
             server->call("POST", "/v1/clock/accept", {{"reason", options.reason}}));
  call.show(answer, [&] {
    call.out
        << "The key server believes its wall clock: it is " << shown(answer, "time") << ".\n"
        << "Before: " << printable(shown(answer, "was")) << ".\n"
        << "What was planned for keys goes on; destructions still wait for the time that was to "
           "pass.\n";
  });
  return kOk;
}

}  // namespace

void add_clock(CLI::App& app, Action& chosen) {
  CLI::App* clock = app.add_subcommand("clock", "The key server's wall clock, when it has jumped");
  clock->require_subcommand(1)->fallthrough();
  auto [leaf, options] = add_leaf<AcceptOptions>(
      *clock, "accept", "Believe the wall clock as it stands now", chosen, accept);
  leaf->add_option("--reason", options->reason, "Recorded in the audit log")->required();
  leaf->fallthrough()->footer(
      "Takes role key-admin. 'nae status' shows what is wrong with the clock. One that "
      "is\n"
      "set right needs no command.\n\n"
      "Example:\n  nae clock accept --reason 'the machine was off for two weeks'");
}

}  // namespace nae::cli
