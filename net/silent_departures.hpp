// SilentDepartures: peers that connect and leave before they have said who they are. A balancer's
// health check does so every second: one line a minute tells as much as sixty.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace nae::net {

class SilentDepartures {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kInterval{60};

  // Counts one. When a line is due: how many there were since the last line, this one too.
  std::optional<std::uint64_t> count(TimePoint now) {
    ++unsaid_;
    if (said_at_ && now - *said_at_ < kInterval) return std::nullopt;
    said_at_ = now;
    return std::exchange(unsaid_, 0);
  }

 private:
  std::optional<TimePoint> said_at_;
  std::uint64_t unsaid_ = 0;
};

}  // namespace nae::net
