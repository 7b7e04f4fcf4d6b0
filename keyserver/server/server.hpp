// Server: builds the parts of a key server from its configuration, connects them, runs and stops.
#pragma once

#include <memory>

#include "keyserver/config/config.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

// Everything that start() needs of configuration and files: address, certificates, PIN file,
// module, store and audit directory. Changes nothing, and spends no attempt at the token's PIN. The
// caller holds a crypto::SecureHeap of the configuration's size.
Result<void> check(const config::Config& config);
// Of the address alone, before a configuration is written.
Result<void> check_address(const std::string& host);

struct Succession;

class Server {
 public:
  // Starts everything or nothing: HSM, store, policy and audit log are opened and checked before
  // anything is served. What may be away for a while is waited for, see start_or_wait(). nullptr
  // when a signal asked to stop meanwhile. The caller holds a crypto::SecureHeap, and ends the
  // process without destructors when this fails.
  // `succession`: what another Server of this process, which is gone, has handed on; or nullptr.
  static Result<std::unique_ptr<Server>> start(const config::Config& config,
                                               std::shared_ptr<Succession> succession = {});
  virtual ~Server() = default;

  // Serves until SIGTERM or SIGINT, then lets requests finish, signs the audit log's last head and
  // returns. SIGHUP reads the certificates again. False when the HSM's module hangs: its thread
  // still runs in it, so the process must end without destructors.
  [[nodiscard]] virtual bool run() = 0;

  // After run(): of one that followed and ended because it is in charge now. It is to be started
  // anew with this, for whoever takes charge begins anew. nullptr: it was asked to stop.
  virtual std::shared_ptr<Succession> succession() const = 0;

  virtual const std::string& address() const = 0;
};

}  // namespace nae::server
