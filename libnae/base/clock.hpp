// The machine's clocks, for those at the edge who hand the time to everything that takes it as a
// parameter.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>

namespace nae {

// Unix time in microseconds. It may be set, forward and back: never a measure of how long something
// took, and nothing that cannot be undone rests on it alone (keyserver/keys/trusted_time.hpp).
inline std::int64_t unix_time_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

// Microseconds since the machine started, those that it slept through too: clock_gettime(2),
// CLOCK_BOOTTIME. Nobody can set it.
inline std::int64_t boot_time_us() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// Which start of the machine boot_time_us() counts from: random(4), boot_id. Empty where the kernel
// does not say: no two starts are the same one then.
std::string boot_id();

}  // namespace nae
