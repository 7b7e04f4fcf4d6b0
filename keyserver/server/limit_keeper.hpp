// Carries the counts of long limits to the store, so that a restart does not forget them.
#pragma once

#include <boost/asio/io_context.hpp>

#include "keyserver/keys/trusted_time.hpp"
#include "keyserver/policy/limit.hpp"
#include "keyserver/policy/repository.hpp"
#include "keyserver/server/repeating.hpp"

namespace nae::server {

// On the loop's thread.
class LimitKeeper {
 public:
  LimitKeeper(boost::asio::io_context& loop, policy::LimitBook& limits,
              policy::LimitRepository& repository, const keys::TrustedTime& clock)
      : limits_(limits),
        repository_(repository),
        clock_(clock),
        saves_(loop, std::chrono::seconds(1), [this] { save(); }) {}

  Result<void> load();
  // And saves every second from then on: so much a crash may forget.
  void start() { saves_.start(); }
  void save();

 private:
  policy::LimitBook& limits_;
  policy::LimitRepository& repository_;
  const keys::TrustedTime& clock_;
  Repeating saves_;
};

}  // namespace nae::server
