// RepeatedEvent: what happens to many in a row is said at once, and then once in a while with how
// often it happened: a log that has a line for each would be the next thing that is full.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace nae {

// Not thread-safe.
class RepeatedEvent {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // It happens at `now`. How often it did since it was last said, this time included, when it is to
  // be said.
  std::optional<std::uint64_t> happens(TimePoint now) {
    ++count_;
    if (said_at_ && now < *said_at_ + kInterval) return std::nullopt;
    said_at_ = now;
    return std::exchange(count_, 0);
  }

  static constexpr std::chrono::seconds kInterval{10};

 private:
  std::optional<TimePoint> said_at_;
  std::uint64_t count_ = 0;
};

}  // namespace nae
