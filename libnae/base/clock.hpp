// The wall clock, for those at the edge who hand the time to everything that takes it as a
// parameter.
#pragma once

#include <chrono>
#include <cstdint>

namespace nae {

// Unix time in microseconds. It may be set back: never a measure of how long something took.
inline std::int64_t unix_time_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace nae
