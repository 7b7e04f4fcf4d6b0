// What is told of a wall clock that jumps, and what the store keeps of the time.
#include "keyserver/server/clock_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>

#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

class ClockWatchTest : public store::sqlite::StoreTest {
 protected:
  // Of one start of the server.
  struct Run {
    explicit Run(ClockWatchTest& test)
        : clock({.wall_us = [&test] { return test.wall_us_; },
                 .boot_us = [&test] { return test.boot_us_; },
                 .boot_id = "boot"}),
          watch(loop, clock, *test.store_, [&test](std::string_view event, const std::string& why) {
            return test.record(event, why);
          }) {}
    // The loop's thread, until the watch has looked so often that `condition` holds.
    template <class Condition>
    bool until(Condition condition) {
      const auto end = std::chrono::steady_clock::now() + 60s;
      while (!condition() && std::chrono::steady_clock::now() < end) loop.run_one_for(5s);
      return condition();
    }
    boost::asio::io_context loop;
    keys::TrustedTime clock;
    ClockWatch watch;
  };
  Result<void> record(std::string_view event, const std::string& why) {
    if (!log_works_) return fail(Code::audit_unavailable, "the audit log cannot be written");
    events_.emplace_back(event);
    last_ = why;
    return {};
  }
  void pass(std::int64_t us) {
    wall_us_ += us;
    boot_us_ += us;
  }

  std::int64_t wall_us_ = 1'767'225'600 * kSecond;
  std::int64_t boot_us_ = 1000 * kSecond;
  bool log_works_ = true;
  std::vector<std::string> events_;
  std::string last_;
  std::unique_ptr<store::Store> store_ = create();
};

TEST_F(ClockWatchTest, TellsNothingOfAClockThatIsRight) {
  Run run(*this);
  ASSERT_TRUE(run.watch.begin(0)) << "of a new store";
  EXPECT_EQ(store_->kept_time().value(), run.clock.kept()) << "from the first moment on";
  pass(5 * kSecond);
  run.watch.start();
  run.loop.run_one();
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(ClockWatchTest, TellsOfAJumpOnceAndOfItsEnd) {
  Run run(*this);
  ASSERT_TRUE(run.watch.begin(0));
  wall_us_ += 8 * kDay;
  run.watch.start();
  ASSERT_TRUE(run.until([&] { return !events_.empty(); }));
  EXPECT_THAT(last_, HasSubstr("691200 s ahead"));
  EXPECT_TRUE(store_->kept_time().value()->doubted) << "a record of that date vouches for nothing";
  run.loop.run_one();  // another look
  EXPECT_THAT(events_, ElementsAre("clock-jumped"));
  wall_us_ -= 8 * kDay;
  ASSERT_TRUE(run.until([&] { return events_.size() > 1; }));
  EXPECT_THAT(events_, ElementsAre("clock-jumped", "clock-trusted"));
  EXPECT_FALSE(store_->kept_time().value()->doubted);
}

TEST_F(ClockWatchTest, TellsOfAJumpThatCameBackBetweenTwoLooks) {
  Run run(*this);
  ASSERT_TRUE(run.watch.begin(0));
  wall_us_ += kDay;
  EXPECT_FALSE(run.clock.look()) << "the key scheduler looks too";
  wall_us_ -= kDay;
  EXPECT_TRUE(run.clock.look());
  run.watch.start();
  ASSERT_TRUE(run.until([&] { return events_.size() > 1; }));
  EXPECT_THAT(events_, ElementsAre("clock-jumped", "clock-trusted"));
}

TEST_F(ClockWatchTest, TellsLaterWhatCouldNotBeRecorded) {
  Run run(*this);
  ASSERT_TRUE(run.watch.begin(0));
  wall_us_ -= kDay;
  log_works_ = false;
  run.watch.start();
  run.loop.run_one();
  run.loop.run_one();
  EXPECT_THAT(events_, IsEmpty());
  log_works_ = true;
  ASSERT_TRUE(run.until([&] { return !events_.empty(); }));
  EXPECT_THAT(last_, HasSubstr("86400 s behind"));
  run.clock.accept();
  log_works_ = false;
  run.loop.run_one();
  log_works_ = true;
  ASSERT_TRUE(run.until([&] { return events_.size() > 1; }));
  EXPECT_THAT(events_, ElementsAre("clock-jumped", "clock-trusted"));
}

// The store knows what time it was: whoever starts the server under another clock is told.
TEST_F(ClockWatchTest, AStartUnderAnotherClockIsToldAtOnce) {
  {
    Run run(*this);
    ASSERT_TRUE(run.watch.begin(0));
    pass(100 * kSecond);
    run.watch.save();
  }
  const std::int64_t right_us = wall_us_;
  pass(5 * kSecond);
  wall_us_ += 8 * kDay;
  {
    Run run(*this);
    ASSERT_TRUE(run.watch.begin(0));
    EXPECT_THAT(events_, ElementsAre("clock-jumped"));
    EXPECT_EQ(run.clock.now_us(), right_us + 5 * kSecond);
    EXPECT_TRUE(store_->kept_time().value()->doubted);
  }
  Run again(*this);
  ASSERT_TRUE(again.watch.begin(wall_us_)) << "nor does a record of that clock make it right";
  EXPECT_THAT(events_, ElementsAre("clock-jumped", "clock-jumped"));
}

TEST_F(ClockWatchTest, TheTimeIsKeptEveryTenSeconds) {
  Run run(*this);
  ASSERT_TRUE(run.watch.begin(0));
  pass(50 * kSecond);
  run.watch.start();
  for (int looks = 0; looks < 9; ++looks) run.loop.run_one();
  EXPECT_EQ(store_->kept_time().value()->boot_us, 1000 * kSecond);
  run.loop.run_one();
  EXPECT_EQ(store_->kept_time().value()->boot_us, 1050 * kSecond);
}

}  // namespace
}  // namespace nae::server
