#include "net/run_loop.hpp"

#include <sched.h>

#include <chrono>

namespace nae::net {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds kLook{40};
constexpr std::chrono::microseconds kShortWait{100};
constexpr int kShortInARow = 4;

bool finds_work(boost::asio::io_context& loop) {
  for (const auto until = Clock::now() + kLook; Clock::now() < until; ::sched_yield())
    if (loop.poll() > 0 || loop.stopped()) return true;
  return false;
}

}  // namespace

void run_loop(boost::asio::io_context& loop) {
  for (int quick = 0; !loop.stopped();) {
    const auto began = Clock::now();
    if (quick < kShortInARow || !finds_work(loop)) loop.run_one();
    quick = Clock::now() - began < kShortWait ? quick + 1 : 0;
  }
}

}  // namespace nae::net
