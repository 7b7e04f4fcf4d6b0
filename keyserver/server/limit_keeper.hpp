// Carries the counts of long limits to the store, so that a restart does not forget them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "keyserver/keys/trusted_time.hpp"
#include "keyserver/policy/limit.hpp"
#include "keyserver/policy/repository.hpp"

namespace nae::server {

// On the loop's thread.
class LimitKeeper {
 public:
  LimitKeeper(boost::asio::io_context& loop, policy::LimitBook& limits,
              policy::LimitRepository& repository, const keys::TrustedTime& clock)
      : limits_(limits), repository_(repository), clock_(clock), timer_(loop) {}

  Result<void> load();
  void start();  // and saves every second from then on: so much a crash may forget
  void save();

 private:
  policy::LimitBook& limits_;
  policy::LimitRepository& repository_;
  const keys::TrustedTime& clock_;
  boost::asio::steady_timer timer_;
};

}  // namespace nae::server
