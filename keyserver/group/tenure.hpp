// Tenure: until when this key server may answer, by its own clock. docs/spec/group.md, G2.
#pragma once

#include <atomic>
#include <chrono>

#include "keyserver/group/boot_clock.hpp"

namespace nae::group {

// Thread-safe.
class Tenure {
 public:
  // A lease of `duration` was taken or renewed by what was sent at `sent` or later. A tenth less
  // than the lease: clocks of two machines run differently, and an answer takes its time.
  void extend(BootClock::time_point sent, std::chrono::milliseconds duration) {
    const BootClock::rep until = (sent + duration * 9 / 10).time_since_epoch().count();
    BootClock::rep last = until_.load(std::memory_order_relaxed);
    while (last != kEnded &&
           !until_.compare_exchange_weak(last, until, std::memory_order_relaxed)) {
    }
  }
  // For good, whatever was left: a renewal that comes back afterwards does not begin it again.
  void end() { until_.store(kEnded, std::memory_order_relaxed); }

  bool holds() const { return left() > BootClock::duration::zero(); }
  BootClock::duration left() const {
    return BootClock::duration(until_.load(std::memory_order_relaxed)) -
           BootClock::now().time_since_epoch();
  }

 private:
  static constexpr BootClock::rep kEnded = -1;
  std::atomic<BootClock::rep> until_ = 0;  // not begun
};

}  // namespace nae::group
