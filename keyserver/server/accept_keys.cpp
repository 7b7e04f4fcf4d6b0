#include "keyserver/server/accept_keys.hpp"

#include <unistd.h>

#include "keyserver/audit/log.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/setup/bind_keys.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::server {
namespace {

Result<std::unique_ptr<audit::Log>> open_log(const config::Config& config, store::Store& store,
                                             keys::Hsm& hsm) {
  audit::LogOptions options;
  options.directory = config.audit.directory;
  options.durability = audit::Durability::fsync;
  options.segment_bytes = std::uint64_t{config.audit.segment_mib} << 20;
  options.head_keeper = &store;
  NAE_ASSIGN(const Bytes spki, hsm.public_key_of(keys::ServerKey::audit));
  NAE_ASSIGN(options.public_key_pem, crypto::public_key_to_pem(spki));
  options.sign = [&hsm](ByteView head) { return hsm.sign_as(keys::ServerKey::audit, head); };
  return audit::Log::open(std::move(options));
}

}  // namespace

Result<std::string> accept_keys(const config::Config& config, const std::string& reason) {
  if (reason.empty() || reason.size() > kMaxAcceptReasonBytes || !is_utf8(reason))
    return fail(
        Code::invalid_argument,
        "the reason must have 1 to " + std::to_string(kMaxAcceptReasonBytes) + " bytes of UTF-8");
  if (!config.hsm.softhsm_configuration.empty())
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  NAE_ASSIGN(auto store, store::Store::open(config.store.path));
  NAE_ASSIGN(auto hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_TRY(setup::check_token(*store, *hsm));
  NAE_ASSIGN(auto log, open_log(config, *store, *hsm));  // refuses beside a running server
  std::string written;
  NAE_TRY(setup::accept_keys(*store, *hsm, [&](const std::string& detail) {
    written = "accepted by uid " + std::to_string(::getuid()) + ": " + reason + "; " + detail;
    audit::Batch batch;
    batch.add(audit::EventRecord{unix_time_us(), "keys-accepted", written});
    batch.add(audit::EventRecord{unix_time_us(), "stopped", "nae-keyserver accept-keys"});
    return log->append(batch);
  }));
  return written;
}

}  // namespace nae::server
