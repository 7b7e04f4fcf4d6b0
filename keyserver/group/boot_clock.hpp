// BootClock: time since this machine was started, sleep included. A lease must end while a machine
// sleeps, and must not move with the date.
#pragma once

#include <chrono>

namespace nae::group {

struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;  // some 20 ns
};

}  // namespace nae::group
