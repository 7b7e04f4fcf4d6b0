// OfflineLog: the audit log of a server that is stopped, for commands that change what it serves
// with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "keyserver/audit/log.hpp"
#include "keyserver/config/config.hpp"
#include "keyserver/keys/hsm.hpp"
#include "keyserver/store/store.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

// What is to be said of a store that is behind what the log's heads know of it.
enum class OlderStore { refused, accepted };

class OfflineLog {
 public:
  // Keeps a server from starting as long as it lives. `command`: "nae-keyserver accept-keys", of
  // static storage. `store`: its ledger is taken up; the log's heads tell how far it has come.
  // Code::conflict when a server runs, Code::audit_broken when the log is not whole,
  // Code::store_rolled_back, with nothing written or signed, for an older store that is not
  // accepted. `keeper`, `hsm` and `store` live longer.
  static Result<OfflineLog> open(const config::Config& config, audit::HeadKeeper& keeper,
                                 keys::Hsm& hsm, std::string_view command, store::Store& store,
                                 OlderStore older = OlderStore::refused);

  // What of the store is behind the log or what was seen of it, in words; it is accepted, or
  // nothing is.
  const std::optional<std::string>& behind() const { return behind_; }

  // On the disk when this returns. That a server was killed before is recorded first: the next one
  // would not see it any more.
  Result<void> record(std::string_view event, const std::string& detail);

 private:
  using Repeated = std::shared_ptr<std::optional<audit::StorePoint>>;
  OfflineLog(std::unique_ptr<audit::Log> log, std::string_view command, Repeated repeated,
             std::optional<std::string> behind)
      : repeated_(std::move(repeated)),
        behind_(std::move(behind)),
        log_(std::move(log)),
        command_(command),
        interrupted_(log_->health().interrupted) {}

  Repeated repeated_;  // what heads say of the store until it is on record that it was accepted
  std::optional<std::string> behind_;
  std::unique_ptr<audit::Log> log_;
  std::string_view command_;
  bool interrupted_;  // and not recorded yet
};

}  // namespace nae::server
