// Acknowledgement: a change is acknowledged when it is in force wherever answers are given. Waits
// for the key servers that answer beside this one, which is in charge: docs/spec/group.md, F3.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>

#include "keyserver/group/boot_clock.hpp"
#include "keyserver/group/followers.hpp"
#include "libnae/base/result.hpp"

namespace nae::group {

// Thread-safe.
class Acknowledgement {
 public:
  struct Options {
    std::chrono::milliseconds lease{30'000};  // this node's
    // What the store says now.
    std::function<Result<std::vector<store::Follower>>()> list;
  };
  explicit Acknowledgement(Options options) : options_(std::move(options)) {}

  // Of a change that was just committed: what waits for it, and may be called later and on another
  // thread. Code::timeout when it may not be in force everywhere two leases (of who is awaited the
  // longest) from now, or when this server stops.
  std::function<Result<void>()> begin(const store::LedgerPoint& change);
  // The same of whoever takes charge, before it serves. Stops as by stop() when `told` to.
  Result<void> wait(const store::LedgerPoint& change, const std::stop_token& told = {});
  // To be called again and again: who is silent already when a change comes holds it up the less,
  // and with it whoever else waits for a call.
  void look_ahead() { static_cast<void>(look({})); }
  // Who waits is told so at once, and who comes then is without a question to the store: a stop has
  // no time for one of each call that waits.
  void stop();

 private:
  struct Look {
    std::vector<std::string> behind;
    std::chrono::milliseconds longest{0};
  };
  Result<Look> look(const store::LedgerPoint& change);
  Result<void> wait_since(BootClock::time_point begun, const store::LedgerPoint& change);
  bool is_stopping();
  const Options options_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::mutex looking_;   // a look may take as long as the store does
  Followers followers_;  // under looking_
};

}  // namespace nae::group
