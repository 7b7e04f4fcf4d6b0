// nae audit sink
#include <csignal>
#include <ctime>
#include <ostream>

#include "cli/audit_commands.hpp"
#include "cli/input.hpp"
#include "cli/sink/sink.hpp"
#include "libnae/base/text.hpp"

namespace nae::cli {
namespace {

struct SinkOptions {
  std::string directory, database, public_key, source = "keyserver";
  bool follow = false, create = false;
};

constexpr std::time_t kPollSeconds = 1, kRetrySeconds = 5;

// SIGTERM and SIGINT end the wait; between two waits they stay pending.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    ::sigprocmask(SIG_BLOCK, &signals_, nullptr);
  }
  // True when the program shall end.
  bool wait(std::time_t seconds) const {
    timespec time{seconds, 0};
    return ::sigtimedwait(&signals_, nullptr, &time) > 0;
  }

 private:
  sigset_t signals_{};
};

Outcome<ExitCode> follow(Call& call, sink::Sink& sink) {
  StopSignals stop;
  bool away = false;
  while (true) {
    auto shipped = sink.ship();
    if (!shipped && shipped.error().code == Code::audit_broken) return fail(shipped.error());
    if (shipped.has_value() == away)
      call.out << (shipped ? std::string("ships again") : "waits: " + shipped.error().message)
               << std::endl;
    away = !shipped.has_value();
    if (stop.wait(away ? kRetrySeconds : kPollSeconds)) return kOk;
  }
}

Outcome<ExitCode> run_sink(Call& call, const SinkOptions& options) {
  if (!is_name(options.source))
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, "--source must be a name of letters, digits, '.', '_', '-'"));
  sink::Options wanted{options.directory, {}, options.database, options.source};
  const std::string key_file =
      options.public_key.empty() ? options.directory + "/audit-public.pem" : options.public_key;
  NAE_ASSIGN(wanted.public_key_pem, content_of(key_file, kMaxPublicKeyBytes));
  sink::Sink sink(wanted);
  if (options.create) {
    NAE_TRY(sink.create());
    call.out << "schema nae_audit is there" << std::endl;
    return kOk;
  }
  if (options.follow) return follow(call, sink);
  NAE_ASSIGN(std::uint64_t records, sink.ship());
  call.out << "shipped " << records << " records\n";
  return kOk;
}

}  // namespace

void add_audit_sink(CLI::App& audit, Action& chosen) {
  auto [leaf, options] = add_leaf<SinkOptions>(
      audit, "sink", "Ship the log into PostgreSQL, verified and exactly once", chosen, run_sink);
  leaf->add_option("--directory", options->directory, "The log")->required();
  leaf->add_option("--database", options->database, "Connection string or URL")->required();
  leaf->add_option("--public-key", options->public_key,
                   "Public key of the log (PEM), default audit-public.pem beside it");
  leaf->add_option("--source", options->source, "Name of this log in the database")
      ->capture_default_str();
  auto* create = leaf->add_flag("--create", options->create, "Make schema nae_audit, then end");
  leaf->add_flag("--follow", options->follow, "Go on until SIGTERM, as records come")
      ->excludes(create);
  leaf->fallthrough()->footer(
      "Reads the log only and never stands in the key server's way. What does not verify is not\n"
      "shipped: exit code 1. Passwords belong in a pass file or service file, not in arguments.\n\n"
      "Examples:\n"
      "  nae audit sink --directory /var/lib/nae/audit --database 'service=audit' --create\n"
      "  nae audit sink --directory /var/lib/nae/audit --database 'service=audit' --follow");
}

}  // namespace nae::cli
