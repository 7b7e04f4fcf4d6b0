// StoreProbe: asks the store whether it is well, and waits for none that is away: a network that
// swallows everything would else hold up whoever asks for readiness.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "libnae/base/result.hpp"

namespace nae::server {

// Thread-safe.
class StoreProbe {
 public:
  struct Options {
    std::chrono::milliseconds patience{500};  // how long ask() waits
    // A store that is slow is not away: the last answer stands for so long.
    std::chrono::milliseconds away_after{3'000};
  };
  // `check` is called on a thread of the probe's own, one call at a time.
  explicit StoreProbe(std::function<Result<void>()> check);
  StoreProbe(std::function<Result<void>()> check, Options options);
  ~StoreProbe();  // waits for the question that is on its way
  StoreProbe(const StoreProbe&) = delete;
  StoreProbe& operator=(const StoreProbe&) = delete;

  // As `check`, asked now or a moment ago; Code::store_unavailable for one that is away.
  Result<void> ask();
  // Whether it answers within that time, whatever it says.
  bool answers_within(std::chrono::milliseconds time);
  // At a stop: sets `given_up` when the store does not answer. One that swallows what it is asked
  // would hold up the end for minutes; what was to be written is what a crash loses as well.
  void give_up_dark_store(std::atomic<bool>& given_up);

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  void begin();  // a question, unless there is one; under mutex_

  const std::function<Result<void>()> check_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asking_ = false, stopping_ = false;
  Clock::time_point asked_at_;
  std::uint64_t answers_ = 0;
  Result<void> answer_;  // the last; good before the first, for the store was opened a moment ago
  std::thread thread_;   // last: it uses the rest
};

}  // namespace nae::server
