#include "keyserver/group/followers.hpp"

#include <gmock/gmock.h>

namespace nae::group {
namespace {

using std::chrono::milliseconds;
using store::Follower;
using store::LedgerPoint;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr milliseconds kLease{30'000}, kLess{29'999};

LedgerPoint change(std::uint64_t epoch, Byte history = 1) {
  LedgerPoint point{epoch, {}};
  point.hash[0] = history;
  return point;
}

class FollowersTest : public ::testing::Test {
 protected:
  static Follower row(const std::string& name, std::uint64_t applied, std::int64_t beat = 1) {
    return {name, "run", beat, kLease, change(applied)};
  }
  std::vector<std::string> behind(const std::vector<Follower>& rows, milliseconds at,
                                  milliseconds own = kLease) {
    return followers_.behind(rows, change(7), begin_ + at, own);
  }

  Followers followers_;
  const BootClock::time_point begin_ = BootClock::now();
};

TEST_F(FollowersTest, NobodyIsWaitedForWhoHasAppliedTheChange) {
  EXPECT_THAT(behind({}, milliseconds(0)), IsEmpty());
  EXPECT_THAT(behind({row("a", 7), row("b", 8)}, milliseconds(0)), IsEmpty());
  EXPECT_THAT(behind({row("a", 7), row("b", 6)}, milliseconds(0)), ElementsAre("b"));
}

TEST_F(FollowersTest, AnotherChangeOfThatNumberIsNotThisOne) {
  Follower other = row("a", 7);
  other.applied = change(7, 2);
  EXPECT_THAT(behind({other}, milliseconds(0)), ElementsAre("a"));
}

TEST_F(FollowersTest, OneWhoseRowStandsIsOverAfterItsLeaseAndNotBefore) {
  EXPECT_THAT(behind({row("a", 6)}, milliseconds(0)), ElementsAre("a"));
  EXPECT_THAT(behind({row("a", 6)}, kLess), ElementsAre("a"));
  EXPECT_THAT(behind({row("a", 6)}, kLease), IsEmpty());
}

TEST_F(FollowersTest, ABeatBeginsTheTimeAnew) {
  EXPECT_THAT(behind({row("a", 6)}, milliseconds(0)), ElementsAre("a"));
  EXPECT_THAT(behind({row("a", 6, 2)}, kLess), ElementsAre("a"));
  EXPECT_THAT(behind({row("a", 6, 2)}, kLease), ElementsAre("a"));
  EXPECT_THAT(behind({row("a", 6, 2)}, kLess + kLease), IsEmpty());
}

TEST_F(FollowersTest, AnotherRunOfANameBeginsTheTimeAnew) {
  EXPECT_THAT(behind({row("a", 6)}, milliseconds(0)), ElementsAre("a"));
  Follower next = row("a", 6);
  next.run = "next";
  EXPECT_THAT(behind({next}, kLease), ElementsAre("a"));
}

TEST_F(FollowersTest, ARowThatWasShortenedByAHandIsWaitedForAsLongAsTheOwnLease) {
  Follower shortened = row("a", 6);
  shortened.duration = milliseconds(1);
  EXPECT_THAT(behind({shortened}, milliseconds(0)), ElementsAre("a"));
  EXPECT_THAT(behind({shortened}, kLess), ElementsAre("a"));
  EXPECT_THAT(behind({shortened}, kLease), IsEmpty());
}

TEST_F(FollowersTest, ALongerLeaseThanTheOwnIsWaitedFor) {
  EXPECT_THAT(behind({row("a", 6)}, milliseconds(0), milliseconds(5'000)), ElementsAre("a"));
  EXPECT_THAT(behind({row("a", 6)}, kLess, milliseconds(5'000)), ElementsAre("a"));
  EXPECT_THAT(behind({row("a", 6)}, kLease, milliseconds(5'000)), IsEmpty());
  EXPECT_EQ(followers_.longest(milliseconds(5'000)), kLease);
}

TEST_F(FollowersTest, WhatStoodForAnEarlierChangeNeedNotStandAgain) {
  EXPECT_THAT(behind({row("a", 6)}, milliseconds(0)), ElementsAre("a"));
  EXPECT_THAT(followers_.behind({row("a", 6)}, change(9), begin_ + kLease, kLease), IsEmpty());
}

TEST_F(FollowersTest, WhoHasLeftIsNotWaitedFor) {
  EXPECT_THAT(behind({row("a", 6)}, milliseconds(0)), ElementsAre("a"));
  EXPECT_THAT(behind({}, milliseconds(1)), IsEmpty());
  EXPECT_THAT(behind({row("a", 6)}, kLease), ElementsAre("a")) << "it is another stay";
}

}  // namespace
}  // namespace nae::group
