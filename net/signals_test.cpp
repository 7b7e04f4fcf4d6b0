// No signal is lost: not one that comes before anybody waits, nor one to a loop that has ended.
#include "net/signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/post.hpp>
#include <vector>

namespace nae::net {
namespace {

class SignalsTest : public testing::Test {
 protected:
  SignalsTest() { hold_signals(); }

  // Until `count` have come.
  void take(std::size_t count) {
    boost::asio::io_context loop(1);
    Signals signals(
        loop,
        [&](int signal) {
          taken_.push_back(signal);
          if (taken_.size() == count) loop.stop();
        },
        [&] {
          taken_.push_back(SIGHUP);
          if (taken_.size() == count) loop.stop();
        });
    loop.run();
  }

  std::vector<int> taken_;
};

TEST_F(SignalsTest, OneThatComesFirstWaitsForWhoTakesIt) {
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  take(1);
  EXPECT_EQ(taken_, std::vector<int>{SIGTERM});
}

TEST_F(SignalsTest, OneToALoopThatHasEndedGoesToTheNext) {
  {
    boost::asio::io_context loop(1);
    Signals signals(
        loop, [&](int signal) { taken_.push_back(signal); }, [] {});
    boost::asio::post(loop, [&] {
      ASSERT_EQ(::kill(::getpid(), SIGINT), 0);
      loop.stop();
    });
    loop.run();
    EXPECT_TRUE(taken_.empty());
  }
  take(1);
  EXPECT_EQ(taken_, std::vector<int>{SIGINT});
}

TEST_F(SignalsTest, AReloadAndAStopEachComeOnce) {
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  take(2);
  EXPECT_EQ(taken_, (std::vector<int>{SIGHUP, SIGTERM}));
}

}  // namespace
}  // namespace nae::net
