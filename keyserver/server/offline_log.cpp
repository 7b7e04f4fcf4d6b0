#include "keyserver/server/offline_log.hpp"

#include "keyserver/server/store_and_log.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::server {

Result<OfflineLog> OfflineLog::open(const config::Config& config, audit::HeadKeeper& keeper,
                                    keys::Hsm& hsm, std::string_view command, store::Ledger& ledger,
                                    OlderStore older) {
  audit::LogOptions options;
  options.directory = config.audit.directory;
  options.durability = audit::Durability::fsync;
  options.segment_bytes = std::uint64_t{config.audit.segment_mib} << 20;
  options.head_keeper = &keeper;
  auto repeated = std::make_shared<std::optional<audit::StorePoint>>();
  if (older == OlderStore::accepted) {
    NAE_ASSIGN(const std::optional<audit::Head> head, audit::read_head(config.audit.directory));
    *repeated = head ? head->store : audit::StorePoint{};
  } else {
    options.check_start = [&] { return check_store_and_log(ledger, config.audit.directory); };
  }
  options.store_point = [&ledger, repeated] {
    return *repeated ? **repeated : server::store_point(ledger);
  };
  NAE_ASSIGN(const Bytes spki, hsm.public_key_of(keys::ServerKey::audit));
  NAE_ASSIGN(options.public_key_pem, crypto::public_key_to_pem(spki));
  options.sign = [&hsm](ByteView head) { return hsm.sign_as(keys::ServerKey::audit, head); };
  NAE_ASSIGN(auto log, audit::Log::open(std::move(options)));
  return OfflineLog(std::move(log), command, std::move(repeated));
}

Result<void> OfflineLog::record(std::string_view event, const std::string& detail) {
  audit::Batch batch;
  if (interrupted_)
    batch.add(audit::EventRecord{unix_time_us(), "interrupted",
                                 "no stop is recorded before this: the server was killed or its "
                                 "machine failed"});
  batch.add(audit::EventRecord{unix_time_us(), event, detail});
  batch.add(audit::EventRecord{unix_time_us(), "stopped", command_});
  NAE_TRY(log_->append(batch));
  repeated_->reset();
  interrupted_ = false;
  return {};
}

}  // namespace nae::server
