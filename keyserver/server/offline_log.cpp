#include "keyserver/server/offline_log.hpp"

#include "keyserver/server/seen_store.hpp"
#include "keyserver/server/store_and_log.hpp"
#include "libnae/base/clock.hpp"

namespace nae::server {

Result<OfflineLog> OfflineLog::open(const config::Config& config, audit::HeadKeeper& keeper,
                                    keys::Hsm& hsm, std::string_view command, store::Store& store,
                                    OlderStore older) {
  audit::LogOptions options;
  options.directory = config.audit.directory;
  options.durability = audit::Durability::fsync;
  options.segment_bytes = std::uint64_t{config.audit.segment_mib} << 20;
  options.head_keeper = &keeper;
  NAE_ASSIGN(const LogOfStore log_of, log_of_store(config.audit.directory, hsm));
  options.public_key_pem = log_of.public_key_pem;
  auto repeated = std::make_shared<std::optional<audit::StorePoint>>();
  std::optional<std::string> behind;
  options.check_start = [&]() -> Result<void> {
    if (older == OlderStore::refused) {
      NAE_TRY(check_store_and_log(store, log_of));
      return check_what_was_seen(config, store, hsm);
    }
    NAE_ASSIGN(behind, behind_the_log(store, log_of));
    if (!behind) {
      NAE_ASSIGN(behind, behind_what_was_seen(config, store, hsm));
      return {};
    }
    // A head that was missing is missed until it is on record that this was accepted.
    NAE_ASSIGN(const auto known, audit::known_store(log_of.directory, log_of.public_key_pem));
    *repeated = known.has_head ? known.point : audit::StorePoint{};
    return {};
  };
  options.store_point = [&store, repeated] {
    return *repeated ? **repeated : server::store_point(store);
  };
  options.sign = [&hsm](ByteView head) { return hsm.sign_as(keys::ServerKey::audit, head); };
  NAE_ASSIGN(auto log, audit::Log::open(std::move(options)));
  return OfflineLog(std::move(log), command, std::move(repeated), std::move(behind));
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
