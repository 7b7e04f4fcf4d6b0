// nae status
#include <unistd.h>

#include <ostream>

#include "cli/command.hpp"
#include "cli/local_time.hpp"
#include "cli/table.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

struct StatusOptions {
  int watch_s = 0;  // 0: once
};

Outcome<ExitCode> show_status(Call& call, Server& server) {
  NAE_ANSWER(json::value answer, server.call("GET", "/v1/status"));
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

// Until who watches has seen enough: an interrupt ends the program, a reader who left ends the
// output. A server that is away is what he watches for.
Outcome<ExitCode> status(Call& call, const StatusOptions& options) {
  NAE_ANSWER(auto server, call.server());
  if (options.watch_s == 0) return show_status(call, *server);
  for (;;) {
    if (call.terminal.columns > 0) call.out << "\x1b[H\x1b[2J";  // home, clear
    if (auto done = show_status(call, *server); !done) {
      const Failure& failure = done.error();
      const ExitCode code = exit_code(failure.error, failure.from_server);
      if (code != kUnreachable && code != kServerFailed) return done;  // it would be refused again
      call.err << "nae: " << printable(failure.error.message) << '\n';
    }
    if (!call.out.flush()) return kOk;
    ::sleep(static_cast<unsigned>(options.watch_s));
  }
}

}  // namespace

void add_status(CLI::App& app, Action& chosen) {
  auto [leaf, options] = add_leaf<StatusOptions>(
      app, "status", "Is the key server well, and who am I to it?", chosen, status);
  leaf->add_option("--watch", options->watch_s, "Again every so many seconds, until interrupted")
      ->check(CLI::Range(1, 3600));
  leaf->fallthrough()->footer(
      "Takes any admin role. Exit code 0: ready, 4: HSM, store or audit log is not.\n\n"
      "Examples:\n  nae status\n  nae status --json\n  nae status --watch 2");
}

}  // namespace nae::cli
