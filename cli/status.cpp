// nae status
#include <ostream>

#include "cli/command.hpp"
#include "cli/local_time.hpp"
#include "cli/table.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

struct NoOptions {};

Outcome<ExitCode> status(Call& call, const NoOptions&) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("GET", "/v1/status"));
  bool ready = shown(answer, "ready") == "true";
  call.show(answer, [&] {
    auto part = [&](const char* title, const char* name) {
      json::value state = answer.as_object().contains(name) ? answer.at(name) : json::value();
      std::string problem = shown(state, "problem");
      call.out << title << (shown(state, "ok") == "true" ? "ok" : "NOT OK")
               << (problem.empty() ? "" : ": " + printable(problem)) << '\n';
    };
    call.out << "server       " << (ready ? "ready" : "NOT READY") << ", "
             << printable(shown(answer, "software")) << ", since "
             << local_time_with_zone(shown(answer, "started_at")) << '\n';
    part("hsm          ", "hsm");
    part("store        ", "store");
    part("audit log    ", "audit");
    if (answer.as_object().contains("clock")) part("clock        ", "clock");
    for (const json::value& segment : admin::api::items(answer, "audit_damaged_segments"))
      call.out << "audit log    DAMAGED: " << printable(shown(segment, "file")) << ": "
               << printable(shown(segment, "problem")) << '\n';
    call.out << "keys         " << shown(answer, "keys") << '\n'
             << "policy       "
             << (shown(answer, "policy_version") == "0"
                     ? "none is applied, so everything is denied: nae policy apply FILE"
                     : "version " + shown(answer, "policy_version"))
             << '\n'
             << "agents       " << shown(answer, "connections") << '\n'
             << "you          " << printable(shown(answer, "admin")) << ", roles "
             << printable(shown(answer, "roles")) << '\n';
  });
  return ready ? kOk : kServerFailed;
}

}  // namespace

void add_status(CLI::App& app, Action& chosen) {
  add_leaf<NoOptions>(app, "status", "Is the key server well, and who am I to it?", chosen, status)
      .first->fallthrough()
      ->footer(
          "Takes any admin role. Exit code 0: ready, 4: HSM, store or audit log is not.\n\n"
          "Examples:\n  nae status\n  nae status --json");
}

}  // namespace nae::cli
