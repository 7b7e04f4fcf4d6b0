#include <spdlog/spdlog.h>

#include <cstdlib>
#include <iostream>
#include <memory>

#include "keyserver/commands/configuration.hpp"
#include "keyserver/server/doctor.hpp"
#include "keyserver/server/server.hpp"
#include "keyserver/server/starter.hpp"
#include "keyserver/setup/unfinished.hpp"
#include "libnae/base/descriptor_limit.hpp"
#include "net/log.hpp"
#include "net/signals.hpp"

namespace nae::commands {
namespace {

// After which failures of a start the unit should not start the server again. Those that may pass
// by themselves do not get here: the server waits inside.
int start_exit_code(Code code) {
  switch (code) {
    case Code::config_invalid:
    case Code::not_initialised:
    case Code::policy_invalid:
    case Code::store_corrupt:
    case Code::store_rolled_back:
    case Code::store_version:
    case Code::audit_broken:
    case Code::unsupported:  // the HSM lacks a mechanism
      return kNeedsAPerson;
    default:
      return kFailed;
  }
}

int report_start(const Error& error) {
  report(error);
  return start_exit_code(error.code);
}

void warn_of_few_descriptors(const config::Config& config, std::uint64_t limit) {
  if (limit >= descriptors_wanted(config)) return;
  spdlog::warn("event=descriptors-few limit={} connections={} message=\"raise LimitNOFILE=\"",
               limit, std::uint64_t{config.server.max_connections} + config.admin.max_connections);
}

int run(const std::string& file) {
  net::hold_signals();
  auto config = loaded(file);
  if (!config) return report_start(config.error());
  net::start_log("nae-keyserver", config->log.level, config->log.format);
  warn_of_few_descriptors(*config, raise_descriptor_limit());
  const auto directory = std::filesystem::absolute(file).parent_path();
  if (const auto forgotten = setup::forget_finished(directory); !forgotten)
    spdlog::warn("event=init-note-stays message=\"remove init.unfinished by hand\"");
  auto heap = crypto::SecureHeap::take(std::size_t{config->limits.secure_memory_kib} << 10);
  if (!heap) return report(heap.error());
  const auto served = server::serve(*config);
  // A hanging module may still have a thread: no destructors.
  if (!served) std::_Exit(report_start(served.error()));
  if (!*served) std::_Exit(kFailed);
  return 0;
}

int check(const std::string& file) {
  auto config = loaded(file);
  if (!config) {
    // The code's own hint names this command.
    if (config.error().hint.empty()) config.error().hint = "Correct it, and check it again.";
    return report(config.error());
  }
  auto heap = crypto::SecureHeap::take(std::size_t{config->limits.secure_memory_kib} << 10);
  if (!heap) return report(heap.error());
  if (auto checked = server::check(*config); !checked) return report(checked.error());
  std::cout << file << ": good\n";
  return told();
}

int examine(const std::string& file, bool json) {
  const doctor::Report findings = server::examine(file);
  json ? findings.print_json(std::cout) : findings.print(std::cout);
  const int code = told();
  return code != 0 ? code : findings.exit_code();
}

}  // namespace

void add_run(CLI::App& app, Commands& commands) {
  auto file = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("run", "Serve until SIGTERM or SIGINT.");
  add_configuration(*command, *file);
  commands.push_back({command, [file] { return run(*file); }});
}

void add_check_config(CLI::App& app, Commands& commands) {
  auto file = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("check-config", "Check a configuration file and start nothing.");
  add_configuration(*command, *file);
  commands.push_back({command, [file] { return check(*file); }});
}

void add_doctor(CLI::App& app, Commands& commands) {
  struct Options {
    std::string file;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "doctor", "Look for what is wrong on this host; changes nothing and asks no server.");
  add_configuration(*command, options->file);
  command->add_flag("--json", options->json, "Print the findings as JSON");
  commands.push_back({command, [options] { return examine(options->file, options->json); }});
}

}  // namespace nae::commands
