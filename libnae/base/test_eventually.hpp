// For tests: waits for what another thread or process does, but not for ever: a test that hangs
// says less than one that fails.
#pragma once

#include <chrono>
#include <thread>

// Not nae::testing, which would hide GoogleTest's.
namespace nae {

// On a machine that is busy with other tests.
inline constexpr std::chrono::seconds kLongEnough{60};

// Whether `condition` came true.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition, std::chrono::seconds most = kLongEnough) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace nae
