#include "keyserver/server/accept_keys.hpp"

#include <unistd.h>

#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/setup/bind_keys.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/setup/reason.hpp"
#include "keyserver/setup/token_binding.hpp"

namespace nae::server {

Result<std::string> accept_keys(const config::Config& config, const std::string& reason) {
  NAE_TRY(setup::check_reason(reason));
  if (!config.hsm.softhsm_configuration.empty())
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  NAE_ASSIGN(auto store, open_store(config));
  NAE_ASSIGN(auto hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_TRY(setup::check_token(*store, *hsm));
  NAE_TRY(take_up_ledger_if_there(*store, *hsm));
  NAE_ASSIGN(OfflineLog log,
             OfflineLog::open(config, *store, *hsm, "nae-keyserver accept-keys", *store));
  std::string written;
  NAE_TRY(setup::accept_keys(*store, *hsm, [&](const std::string& detail) {
    written = "accepted by uid " + std::to_string(::getuid()) + ": " + reason + "; " + detail;
    return log.record("keys-accepted", written);
  }));
  return written;
}

}  // namespace nae::server
