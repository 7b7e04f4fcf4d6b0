// Deadline: how long a wait may still last, on the clock that nobody sets.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>

namespace nae::pg {

inline std::int64_t monotonic_ns() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
inline std::int64_t monotonic_ms() {
  return monotonic_ns() / 1'000'000;
}

class Deadline {
 public:
  // 0 ms: never.
  static Deadline after_ms(int ms) { return Deadline(ms == 0 ? kNever : monotonic_ms() + ms); }

  bool passed() const { return at_ms_ != kNever && monotonic_ms() >= at_ms_; }
  // For WaitEventSetWait: -1 waits without end. Rounded up, so that a wait never ends too early.
  long remaining_ms() const {
    if (at_ms_ == kNever) return -1;
    return static_cast<long>(std::max<std::int64_t>(at_ms_ - monotonic_ms(), 0));
  }
  Deadline sooner(Deadline other) const {
    if (at_ms_ == kNever) return other;
    if (other.at_ms_ == kNever) return *this;
    return Deadline(std::min(at_ms_, other.at_ms_));
  }

 private:
  static constexpr std::int64_t kNever = -1;
  explicit Deadline(std::int64_t at_ms) : at_ms_(at_ms) {}
  std::int64_t at_ms_;
};

}  // namespace nae::pg
