#include "net/run_loop.hpp"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <stdexcept>
#include <thread>

namespace nae::net {
namespace {

TEST(RunLoop, RunsAllAndEndsWhenThereIsNoMore) {
  boost::asio::io_context loop(1);
  int ran = 0;
  for (int i = 0; i < 100; ++i)
    boost::asio::post(loop, [&] {
      ++ran;
      boost::asio::post(loop, [&] { ++ran; });
    });
  run_loop(loop);
  EXPECT_EQ(ran, 200);
  EXPECT_TRUE(loop.stopped());
}

// Quick ones, so that it looks before it sleeps, and one that it has to sleep for.
TEST(RunLoop, WaitsForTimersShortAndLong) {
  boost::asio::io_context loop(1);
  boost::asio::steady_timer timer(loop);
  int fired = 0;
  std::function<void()> again = [&] {
    timer.expires_after(fired < 50 ? std::chrono::microseconds(10) : std::chrono::milliseconds(20));
    timer.async_wait([&](boost::system::error_code) {
      if (++fired <= 50) again();
    });
  };
  again();
  run_loop(loop);
  EXPECT_EQ(fired, 51);
}

TEST(RunLoop, IsStoppedFromAnotherThread) {
  boost::asio::io_context loop(1);
  auto keep = boost::asio::make_work_guard(loop);
  std::thread other([&] { boost::asio::post(loop, [&] { loop.stop(); }); });
  run_loop(loop);
  other.join();
  EXPECT_TRUE(loop.stopped());
}

TEST(RunLoop, HandsOnWhatAHandlerThrows) {
  boost::asio::io_context loop(1);
  boost::asio::post(loop, [] { throw std::runtime_error("out"); });
  EXPECT_THROW(run_loop(loop), std::runtime_error);
}

}  // namespace
}  // namespace nae::net
