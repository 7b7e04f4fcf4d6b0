// Signs the audit log's heads, and says once when the log fails and once when it is well again. In
// a group it records how far the other logs have come.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>

#include "keyserver/audit/log.hpp"
#include "keyserver/config/config.hpp"
#include "keyserver/server/repeating.hpp"
#include "keyserver/server/witness_watch.hpp"

namespace nae::server {

const char* on_audit_failure(const config::Config& config);  // "refuse"

// On the loop's thread, whose other work may wait as well: it waits for the HSM and the store.
class AuditWatch {
 public:
  AuditWatch(boost::asio::io_context& loop, const config::Config& config, store::Nodes& nodes,
             audit::Log& log);

  void start();
  void sign_head();
  // What was refused or lost meanwhile the log tells itself.
  void look();

 private:
  const config::Config& config_;
  audit::Log& log_;
  bool writable_ = true;
  std::uint64_t outages_ = 0;
  Repeating heads_, health_;
  std::optional<WitnessWatch> witnesses_;  // nothing: the store is this key server's own
};

}  // namespace nae::server
