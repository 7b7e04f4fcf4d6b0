// Acknowledgement: a change is acknowledged when it is in force wherever answers are given. Waits
// for the key servers that answer beside this one, which is in charge: docs/spec/group.md, F3.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

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

  // After `change` was committed. Code::timeout when it may not be in force everywhere, after two
  // leases of who is awaited the longest, or when this server stops.
  Result<void> wait(const store::LedgerPoint& change);
  // To be called again and again: who is silent already when a change comes holds it up the less,
  // and with it whoever else waits for a call.
  void look_ahead() { static_cast<void>(look({})); }
  void stop();  // who waits is told so at once

 private:
  struct Look {
    std::vector<std::string> behind;
    std::chrono::milliseconds longest{0};
  };
  Result<Look> look(const store::LedgerPoint& change);
  const Options options_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::mutex looking_;   // a look may take as long as the store does
  Followers followers_;  // under looking_
};

}  // namespace nae::group
