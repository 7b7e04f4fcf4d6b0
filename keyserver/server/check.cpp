// What a start needs, without a start. Each step calls what the start calls. What may pass by
// itself (the HSM is away, a disk is full or read-only) is no fault of the configuration: the
// server finds it when it starts.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/own_custody.hpp"
#include "keyserver/server/part_options.hpp"
#include "keyserver/server/server.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/store/postgresql/store.hpp"
#include "libnae/base/file.hpp"
#include "net/listener.hpp"

namespace nae::server {
namespace {

Result<void> check_access(const std::filesystem::path& path, int mode, const char* what) {
  if (::access(path.c_str(), mode) == 0 || errno == EROFS) return {};
  return fail(Code::file_failed,
              std::string(what) + " " + path.string() + ": " + std::strerror(errno),
              "Check as the user that the server runs as.");
}

// Not opened: that would bring an older store to this version, and wait for a server that runs.
Result<void> check_file(const std::filesystem::path& store) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(store, error))
    return fail(Code::not_initialised, "there is no store at " + store.string());
  NAE_TRY(check_access(store, R_OK | W_OK, "the store"));
  // SQLite writes its journal beside it.
  const auto directory = store.has_parent_path() ? store.parent_path() : ".";
  return check_access(directory, W_OK | X_OK, "the store's directory");
}

Result<void> check_store(const config::Config& config) {
  if (config.store.url.empty()) return check_file(config.store.path);
  NAE_ASSIGN(const auto target, store::postgresql::read_target(config.store.url));
  const auto found = store::postgresql::examine(target);
  // One that is away for now is no fault of the configuration.
  if (!found && found.error().code == Code::store_unavailable) return {};
  NAE_TRY(found);
  if (found->protected_by_us)
    std::cerr << "nae-keyserver: warning: the store's PostgreSQL has pg_nae preloaded: where it "
                 "needs this key server to answer, neither can start\n";
  if (target.hosts.size() == 1 || found->synchronous || config.store.allow_asynchronous) return {};
  return fail(Code::config_invalid,
              "store.url names several hosts, and synchronous_standby_names is empty: after a "
              "failover acknowledged changes are gone",
              "Set synchronous_standby_names, or say store.allow_asynchronous = true.");
}

Result<void> check_audit(const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error))
    return fail(Code::file_failed, "there is no audit directory at " + directory.string());
  return check_access(directory, R_OK | W_OK | X_OK, "the audit directory");
}

// The start compares it with the key in the HSM.
Result<void> check_cards(const config::Config& config) {
  if (config.approval.by_cards.empty()) return {};
  const auto custodians = own_custody(config, config.approval.custody);
  const auto good = custodians ? refuse_former(config, *custodians, config.approval.custody)
                               : Result<void>(fail(custodians.error()));
  if (good) return {};
  Error error = good.error();
  error.message = "approval.custody: " + error.message;
  return fail(std::move(error));
}

}  // namespace

Result<void> check_address(const std::string& host) {
  net::TlsListenerOptions listener;
  listener.host = host;
  return net::check_address(listener);
}

Result<void> check(const config::Config& config) {
  if (auto rules = rules_of(config); !rules) return fail(rules.error());
  NAE_TRY(check_cards(config));
  NAE_TRY(check_address(config.server.host));
  if (auto options = listener_options(config); !options) return fail(options.error());
  if (auto context = net::TlsContext::server(tls_files(config)); !context)
    return fail(context.error());
  NAE_TRY(check_store(config));
  NAE_TRY(check_audit(config.audit.directory));
  if (!config.hsm.softhsm_configuration.empty()) {
    NAE_TRY(check_access(config.hsm.softhsm_configuration, R_OK, "softhsm_configuration"));
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  }
  return hsm::Pkcs11Hsm::check_options(hsm_options(config));
}

}  // namespace nae::server
