// What is believed of a wall clock that is set, at given times.
#include "keyserver/keys/trusted_time.hpp"

#include <gtest/gtest.h>

namespace nae::keys {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kNow = 1'767'225'600 * kSecond;

class Clock : public ::testing::Test {
 protected:
  Clocks clocks(std::string boot = "one") {
    return {[this] { return wall_us; }, [this] { return boot_us; }, std::move(boot)};
  }
  void pass(std::int64_t us) {
    wall_us += us;
    boot_us += us;
  }
  // Seconds that something shows.
  static std::int64_t since(std::int64_t us) { return (us - kNow) / kSecond; }

  std::int64_t wall_us = kNow;
  std::int64_t boot_us = 1000 * kSecond;
  TrustedTime time{clocks()};
};

// --- while it runs

TEST_F(Clock, TimePasses) {
  time.begin({}, 0);
  pass(90 * kSecond);
  EXPECT_TRUE(time.look());
  EXPECT_EQ(since(time.now_us()), 90);
  EXPECT_EQ(since(time.steady_us()), 90);
  EXPECT_EQ(time.problem(), "");
  EXPECT_EQ(time.jumps(), 0u);
}

TEST_F(Clock, AJumpForwardMovesNothing) {
  pass(5 * kSecond);
  wall_us += 8 * kDay;
  EXPECT_EQ(since(time.now_us()), 5) << "also before anybody looked";
  EXPECT_FALSE(time.look());
  EXPECT_FALSE(time.trusted());
  EXPECT_EQ(time.difference_us(), 8 * kDay);
  EXPECT_EQ(time.problem(), "the wall clock is 691200 s ahead of the time that has passed");
  pass(3 * kSecond);
  EXPECT_FALSE(time.look());
  EXPECT_EQ(time.jumps(), 1u) << "one jump, however long it lasts";
  EXPECT_EQ(since(time.now_us()), 8);
  EXPECT_EQ(since(time.steady_us()), 8);
}

TEST_F(Clock, AJumpBackMovesNothing) {
  wall_us -= 8 * kDay;
  EXPECT_FALSE(time.look());
  pass(3 * kSecond);
  EXPECT_EQ(since(time.now_us()), 3);
  EXPECT_EQ(time.problem(), "the wall clock is 691200 s behind the time that has passed");
}

TEST_F(Clock, AClockThatComesBackIsBelievedAgain) {
  wall_us += 8 * kDay;
  EXPECT_FALSE(time.look());
  wall_us -= 8 * kDay;
  EXPECT_TRUE(time.look());
  EXPECT_TRUE(time.trusted());
  wall_us -= 8 * kDay;
  EXPECT_FALSE(time.look());
  EXPECT_EQ(time.jumps(), 2u);
}

TEST_F(Clock, TheMostThatIsNoJump) {
  wall_us += kMostStepUs;
  EXPECT_TRUE(time.look());
  wall_us += 1;
  EXPECT_FALSE(time.look());
  wall_us -= 2 * kMostStepUs + 1;
  EXPECT_TRUE(time.look());
  wall_us -= 1;
  EXPECT_FALSE(time.look());
}

TEST_F(Clock, ACorrectedClockIsFollowedSlowly) {
  wall_us += kSecond;
  pass(100 * kSecond);
  EXPECT_TRUE(time.look());
  EXPECT_EQ(time.now_us(), kNow + 100 * kSecond + 100'000) << "a thousandth of what passed";
  pass(1000 * kSecond);
  EXPECT_TRUE(time.look());
  EXPECT_EQ(time.now_us(), wall_us) << "and no further than it went";
  EXPECT_EQ(since(time.steady_us()), 1100) << "which follows nothing";
}

TEST_F(Clock, AClockThatCreepsGainsAThousandth) {
  for (int i = 0; i < 100'000; ++i) {
    pass(kSecond);
    wall_us += kSecond / 2;
    static_cast<void>(time.look());
  }
  EXPECT_LE(since(time.now_us()), 100'000 + 100);
  EXPECT_EQ(since(time.steady_us()), 100'000);
  EXPECT_FALSE(time.trusted());
}

TEST_F(Clock, AcceptedItIsBelievedAndSteadyTimeStays) {
  wall_us += 8 * kDay;
  EXPECT_FALSE(time.look());
  time.accept();
  EXPECT_TRUE(time.trusted());
  EXPECT_TRUE(time.look());
  EXPECT_EQ(time.now_us(), kNow + 8 * kDay);
  EXPECT_EQ(time.steady_us(), kNow);
}

TEST_F(Clock, AThreadThatSleepsBetweenTwoReadingsSeesNoJump) {
  int readings = 0;
  Clocks slow = clocks();
  slow.wall_us = [&] {
    if (++readings == 2) pass(3600 * kSecond);  // after the boot clock was read
    return wall_us;
  };
  TrustedTime sleepy(slow);
  EXPECT_TRUE(sleepy.look());
  EXPECT_EQ(sleepy.jumps(), 0u);
}

// --- over a restart of the server

class Restart : public Clock {
 protected:
  Restart() {
    time.begin({}, 0);
    pass(100 * kSecond);
    kept = time.kept();
  }
  // Of a machine that ran on; `later()` of one that was started again.
  TrustedTime& again(std::int64_t newest_record_us = 0, std::string boot = "one") {
    next.emplace(clocks(std::move(boot)));
    next->begin(kept, newest_record_us);
    return *next;
  }
  TrustedTime& later(std::int64_t newest_record_us = 0) {
    boot_us = 20 * kSecond;
    return again(newest_record_us, "two");
  }
  std::optional<KeptTime> kept;
  std::optional<TrustedTime> next;
};

TEST_F(Restart, AMachineThatRanOnVouchesForTheTimeBetween) {
  pass(30 * kDay);
  EXPECT_TRUE(again().trusted());
  EXPECT_EQ(next->now_us(), wall_us);
  EXPECT_EQ(since(next->steady_us()), 100 + 30 * 86'400);
}

TEST_F(Restart, AJumpWhileTheServerWasAwayIsSeen) {
  pass(60 * kSecond);
  wall_us += 8 * kDay;
  EXPECT_FALSE(again().trusted());
  EXPECT_EQ(next->jumps(), 1u);
  EXPECT_EQ(since(next->now_us()), 160);
  EXPECT_EQ(since(next->steady_us()), 160);
  wall_us -= 16 * kDay;
  EXPECT_FALSE(again().trusted());
  EXPECT_EQ(since(next->now_us()), 160);
  wall_us += 8 * kDay;
  EXPECT_TRUE(next->look()) << "where it should be again";
}

TEST_F(Restart, SmallStepsOfAClockAreNoJump) {
  pass(60 * kSecond);
  wall_us += kMostStepUs;
  EXPECT_TRUE(again().trusted());
  wall_us += kSecond;
  EXPECT_FALSE(again().trusted());
}

TEST_F(Restart, AJumpThatLastsOverARestartIsStillOne) {
  wall_us += 8 * kDay;
  EXPECT_FALSE(time.look());
  kept = time.kept();
  EXPECT_TRUE(kept->doubted);
  pass(60 * kSecond);
  EXPECT_FALSE(again(wall_us).trusted()) << "also when records have its dates";
  wall_us -= 8 * kDay;
  EXPECT_TRUE(again(wall_us + 8 * kDay).trusted());
}

TEST_F(Restart, AfterAnotherStartOfTheMachineADayMayHavePassed) {
  wall_us = kept->trusted_us + kMostAbsenceUs;
  EXPECT_TRUE(later().trusted());
  EXPECT_EQ(next->now_us(), wall_us);
  EXPECT_EQ(since(next->steady_us()), 100) << "nobody watched";
  wall_us += 1;
  EXPECT_FALSE(later().trusted());
  EXPECT_EQ(since(next->now_us()), 100);
}

TEST_F(Restart, AfterAnotherStartTheClockMayNotBeBehind) {
  wall_us = kept->trusted_us - kMostStepUs;
  EXPECT_TRUE(later().trusted());
  wall_us -= 1;
  EXPECT_FALSE(later().trusted());
  EXPECT_EQ(since(next->now_us()), 100);
}

TEST_F(Restart, TheNewestRecordVouchesForItsDate) {
  wall_us = kept->trusted_us + 3 * kDay;
  EXPECT_TRUE(later(kept->trusted_us + 2 * kDay).trusted()) << "the store is an older one";
  EXPECT_FALSE(later(kept->trusted_us + 4 * kDay).trusted()) << "the clock is behind it";
  EXPECT_EQ(next->now_us(), kept->trusted_us + 4 * kDay);
  EXPECT_EQ(since(next->steady_us()), 100);
}

TEST_F(Restart, ARecordOfADoubtedClockVouchesForNothing) {
  wall_us += 8 * kDay;
  EXPECT_FALSE(time.look());
  kept = time.kept();
  EXPECT_FALSE(later(wall_us).trusted());
  EXPECT_EQ(since(next->now_us()), 100);
}

TEST_F(Restart, AKernelThatDoesNotNameItsStartVouchesForNothing) {
  kept->boot_id = "";
  pass(3600 * kSecond);
  EXPECT_TRUE(again(0, "").trusted());
  EXPECT_EQ(since(next->steady_us()), 100);
}

TEST_F(Restart, ABootClockThatIsBehindIsOfAnotherMachine) {
  boot_us -= 50 * kSecond;
  EXPECT_TRUE(again().trusted());
  EXPECT_EQ(since(next->steady_us()), 100);
}

TEST_F(Restart, AStoreFromBeforeIsHeldAgainstItsNewestRecord) {
  kept.reset();
  EXPECT_TRUE(later(wall_us - kMostAbsenceUs).trusted());
  EXPECT_EQ(next->steady_us(), wall_us) << "begins as Unix time";
  EXPECT_FALSE(later(wall_us - kMostAbsenceUs - 1).trusted());
  EXPECT_EQ(next->steady_us(), wall_us - kMostAbsenceUs - 1);
  EXPECT_FALSE(later(wall_us + kMostStepUs + 1).trusted());
  EXPECT_TRUE(later(0).trusted()) << "and a new one against nothing";
}

}  // namespace
}  // namespace nae::keys
