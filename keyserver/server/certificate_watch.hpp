// Warns of certificates that expire, and records the server's own when it is another.
#pragma once

#include <boost/asio/io_context.hpp>
#include <string>

#include "keyserver/admin/certificate_expiry.hpp"
#include "keyserver/config/config.hpp"
#include "keyserver/server/approvals_at_start.hpp"
#include "keyserver/server/repeating.hpp"

namespace nae::server {

// On the loop's thread.
class CertificateWatch {
 public:
  // `authority`: PEM of ServerKey::authority.
  CertificateWatch(boost::asio::io_context& loop, const config::Config& config, store::Store& store,
                   const keys::KeyRing& ring, const std::string& authority,
                   prometheus::Registry& metrics);

  void start();  // looks at once, and every hour from then on
  void look();
  // Whoever renews it needs no call: what is shown to clients from now on stands in the log.
  void record_own(const RecordEvent& record) const;

 private:
  const config::Config& config_;
  store::Store& store_;
  const keys::KeyRing& ring_;
  const std::string& authority_;
  admin::ExpiryWatch expiry_;
  Repeating looks_;
};

}  // namespace nae::server
