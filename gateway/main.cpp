// nae-gateway: a reverse proxy that encrypts what is sensitive before the application sees it.
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <iterator>

#include "gateway/config.hpp"
#include "gateway/dry_run.hpp"
#include "gateway/gateway.hpp"
#include "gateway/tls.hpp"
#include "libnae/base/descriptor_limit.hpp"
#include "libnae/base/environment.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/base/output.hpp"
#include "libnae/base/version.hpp"
#include "net/log.hpp"
#include "net/service_manager.hpp"
#include "net/signals.hpp"

namespace {

using namespace nae;

constexpr int kFailed = 1;
constexpr int kBadConfig = 78;  // EX_CONFIG of sysexits.h: restarting does not help

constexpr int kFound = 2;  // of test and scan: a refusal, or a field that is not covered

struct Options {
  std::string config = "/etc/nae/gateway.toml";
  std::string routes;
  bool check_config = false;
};

int report(const Error& error, int exit_code) {
  std::cerr << "nae-gateway: " << error.message << "\n";
  const bool own_file = error.code == Code::config_invalid && error.hint.empty();
  const std::string_view hint = own_file
                                    ? "'nae-gateway --check-config' checks it without starting."
                                    : error.hint_or_default();
  if (!hint.empty()) std::cerr << "hint: " << hint << "\n";
  return exit_code;
}

// Everything that the start needs and that can be known without starting.
Result<void> check(const gateway::Config& config) {
  NAE_TRY(gateway::client_tls(config).map([](const auto&) {}));
  return gateway::upstream_tls(config).map([](const auto&) {});
}

// Values of requests are in this memory in clear. Not PR_SET_DUMPABLE: an agent without
// CAP_SYS_PTRACE reads which executable this is only as long as the process is dumpable.
Result<void> forbid_core_dumps() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0)
    return fail(Code::internal, std::string("cannot forbid core dumps: ") + std::strerror(errno));
  return {};
}

int dry_run(const Options& options,
            bool (*print)(std::string_view, const gateway::RouteTable&, std::ostream&)) {
  const auto routes = gateway::load_routes(options.routes);
  if (!routes) return report(routes.error(), kBadConfig);
  const std::string requests(std::istreambuf_iterator<char>(std::cin), {});
  const bool good = print(requests, *routes, std::cout);
  if (auto told = written(std::cout); !told) return report(told.error(), kFailed);
  return good ? 0 : kFound;
}

void reload(gateway::Gateway& running, const Options& options) {
  auto config = gateway::load_config(options.config);
  auto done = config ? running.reload(*std::move(config)) : Result<void>(fail(config.error()));
  if (done)
    spdlog::info("event=reloaded config={}", options.config);
  else
    spdlog::error("event=reload_failed code={} reason={}", name(done.error().code),
                  quoted_text(done.error().message));
}

int run(const Options& options, gateway::Config config) {
  net::hold_signals();
  boost::asio::io_context loop(1);
  gateway::Gateway running(loop, std::move(config));
  net::Signals signals(
      loop,
      [&](int signal) {
        spdlog::info("event=stopping signal={}", signal);
        net::tell_stopping();
        running.stop();
      },
      [&] { reload(running, options); });
  if (auto started = running.start(); !started) return report(started.error(), kFailed);
  net::tell_ready("listening");
  loop.run();
  spdlog::info("event=stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  drop_leaking_variables();
  open_standard_descriptors();
  Options options;
  CLI::App app{
      "nae-gateway: a reverse proxy that encrypts sensitive fields before an application sees "
      "them."};
  app.set_version_flag("--version", version_text("nae-gateway"));
  app.add_option("--config", options.config, "configuration file")->capture_default_str();
  app.add_flag("--check-config", options.check_config,
               "check configuration and certificates, then end");
  auto* test_command = app.add_subcommand(
      "test", "show what routes make of the request on standard input, without a key server");
  auto* scan_command = app.add_subcommand(
      "scan",
      "say which fields of the requests on standard input look sensitive and pass in clear");
  for (auto* command : {test_command, scan_command})
    command->add_option("routes", options.routes, "file with the routes")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stopped) {  // --help and --version too
    const int code = app.exit(stopped);
    return code == 0 && !written(std::cout) ? kFailed : code;
  }

  if (*test_command) return dry_run(options, gateway::print_rewritten);
  if (*scan_command) return dry_run(options, gateway::print_uncovered);
  auto config = gateway::load_config(options.config);
  if (!config) return report(config.error(), kBadConfig);
  if (options.check_config) {
    if (auto checked = check(*config); !checked) return report(checked.error(), kBadConfig);
    std::cout << options.config << ": good\n";
    auto told = written(std::cout);
    return told ? 0 : report(told.error(), kFailed);
  }
  net::start_log("nae-gateway", config->log.level, config->log.format);
  raise_descriptor_limit();
  if (auto hardened = forbid_core_dumps(); !hardened) return report(hardened.error(), kFailed);
  return run(options, *std::move(config));
}
