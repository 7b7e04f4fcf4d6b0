// nae-agent: one per host, between the programs on it and the key servers.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <optional>

#include "agent/agent.hpp"
#include "agent/config.hpp"
#include "agent/doctor.hpp"
#include "agent/hardening.hpp"
#include "agent/own_certificate.hpp"
#include "libnae/base/descriptor_limit.hpp"
#include "libnae/base/environment.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/base/output.hpp"
#include "libnae/base/version.hpp"
#include "net/listener.hpp"
#include "net/log.hpp"
#include "net/run_loop.hpp"
#include "net/service_manager.hpp"
#include "net/signals.hpp"

namespace {

using namespace nae;

constexpr int kFailed = 1;
constexpr int kBadConfig = 78;  // EX_CONFIG of sysexits.h: restarting does not help

struct Options {
  std::string config = "/etc/nae/agent.toml";
  std::string socket;  // overrides the file's
  bool check_config = false;
  bool json = false;
  bool parent_death = false;
  int ready_descriptor = STDOUT_FILENO;
};

int report(const Error& error, int exit_code) {
  std::cerr << "nae-agent: " << error.message << "\n";
  bool own_file = error.code == Code::config_invalid && error.hint.empty();
  std::string_view hint =
      own_file ? "'nae-agent --check-config' checks it without starting." : error.hint_or_default();
  if (!hint.empty()) std::cerr << "hint: " << hint << "\n";
  return exit_code;
}

Result<agent::Config> load(const Options& options) {
  NAE_ASSIGN(agent::Config config, agent::load_config(options.config));
  if (!options.socket.empty()) config.socket = options.socket;
  return config;
}

// Everything that the start needs and that can be known without starting.
Result<void> check(const agent::Config& config) {
  net::UnixListenerOptions listener;
  listener.path = config.socket.string();
  NAE_TRY(net::check_path(listener));
  return net::TlsContext::client(agent::present_files(config.tls, config.renewal.file))
      .map([](const net::TlsContext&) {});
}

// Clients must not take the agent's own: one that cannot reach a key server serves none of them.
void leave_descriptors(agent::Config& config, std::uint64_t limit) {
  std::uint32_t& clients = config.limits.max_clients;
  const std::uint64_t own = agent::own_descriptors(config);
  if (limit >= clients + own) return;
  const auto fitting = std::max<std::uint64_t>(limit, own + 1) - own;
  spdlog::warn("event=descriptors_few limit={} max_clients={} used={}", limit, clients, fitting);
  clients = static_cast<std::uint32_t>(fitting);
  config.limits.open_files = limit;
}

// Under PostgreSQL the variable is PostgreSQL's own, whose readiness is not the agent's to tell.
bool has_service_manager(const Options& options) {
  return !options.parent_death;
}

void say_ready(int descriptor) {
  constexpr std::string_view kReady = "ready\n";
  if (::write(descriptor, kReady.data(), kReady.size()) < 0)
    spdlog::debug("event=ready_not_told descriptor={}", descriptor);
  if (descriptor > STDERR_FILENO) ::close(descriptor);
}

void reload(agent::Agent& running, const Options& options) {
  auto config = load(options);
  auto done = config ? running.reload(*std::move(config)) : Result<void>(fail(config.error()));
  if (done)
    spdlog::info("event=reloaded config={}", options.config);
  else
    spdlog::error("event=reload_failed code={} reason={}", name(done.error().code),
                  quoted_text(done.error().message));
}

int examine(const Options& options) {
  spdlog::set_level(spdlog::level::off);  // the report says what connections came to
  const doctor::Report found = agent::examine(options.config, options.socket);
  options.json ? found.print_json(std::cout) : found.print(std::cout);
  auto told = written(std::cout);
  return told ? found.exit_code() : report(told.error(), kFailed);
}

int run(const Options& options, agent::Config config) {
  net::hold_signals();
  boost::asio::io_context loop(1);
  agent::Agent running(loop, std::move(config));
  net::Signals signals(
      loop,
      [&](int signal) {
        spdlog::info("event=stopping signal={}", signal);
        if (has_service_manager(options)) net::tell_stopping();
        running.stop();
      },
      [&] { reload(running, options); });
  if (auto started = running.start(); !started) return report(started.error(), kFailed);
  say_ready(options.ready_descriptor);
  if (has_service_manager(options)) net::tell_ready("listening");
  net::run_loop(loop);
  spdlog::info("event=stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  drop_leaking_variables();
  open_standard_descriptors();
  Options options;
  CLI::App app{"nae-agent: carries cryptographic requests of this host's programs to key servers."};
  app.set_version_flag("--version", version_text("nae-agent"));
  app.add_option("--config", options.config, "configuration file")->capture_default_str();
  app.add_option("--socket", options.socket, "listen here instead of where the file says");
  app.add_flag("--check-config", options.check_config,
               "check configuration and certificates, then end");
  app.add_flag("--parent-death", options.parent_death, "stop when the parent process ends");
  app.add_option("--ready-fd", options.ready_descriptor,
                 "write \"ready\" to this descriptor once the socket listens");
  auto* doctor_command = app.add_subcommand(
      "doctor", "look for what is wrong on this host and on the way to the key servers");
  doctor_command->add_flag("--json", options.json, "print the findings as JSON");
  doctor_command->fallthrough();  // --config and --socket may follow it
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stopped) {  // --help and --version too
    const int code = app.exit(stopped);
    return code == 0 && !written(std::cout) ? kFailed : code;
  }

  if (*doctor_command) return examine(options);
  if (options.parent_death && !agent::end_with_parent()) return 0;
  auto config = load(options);
  if (!config) return report(config.error(), kBadConfig);
  if (options.check_config) {
    if (auto checked = check(*config); !checked) return report(checked.error(), kBadConfig);
    std::cout << options.config << ": good\n";
    auto told = written(std::cout);
    return told ? 0 : report(told.error(), kFailed);
  }
  net::start_log("nae-agent", config->log.level, config->log.format);
  leave_descriptors(*config, raise_descriptor_limit());
  if (auto hardened = agent::protect_memory(); !hardened) return report(hardened.error(), kFailed);
  return run(options, *std::move(config));
}
