#include "keyserver/group/candidate.hpp"

#include <gtest/gtest.h>

namespace nae::group {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kOwn{5'000};
constexpr BootClock::time_point kNow{std::chrono::hours(1)};

store::LeaseState held_for(milliseconds duration) {
  return {7, 3, "ks1", "run", duration, false};
}

TEST(CandidateTest, ALeaseThatStandsIsTakenWhenItIsOver) {
  Candidate candidate;
  const auto seen = held_for(milliseconds(30'000));
  EXPECT_FALSE(candidate.may_take(seen, kNow, kOwn));
  EXPECT_FALSE(candidate.may_take(seen, kNow + milliseconds(29'999), kOwn));
  EXPECT_TRUE(candidate.may_take(seen, kNow + milliseconds(30'000), kOwn));
}

TEST(CandidateTest, EveryChangeOfItBeginsTheWaitAnew) {
  Candidate candidate;
  auto seen = held_for(kOwn);
  EXPECT_FALSE(candidate.may_take(seen, kNow, kOwn));
  EXPECT_FALSE(candidate.may_take(seen, kNow + kOwn / 2, kOwn));
  EXPECT_FALSE(candidate.has_moved());
  ++seen.beat;
  EXPECT_FALSE(candidate.may_take(seen, kNow + kOwn, kOwn));
  EXPECT_TRUE(candidate.has_moved());
  seen.holder = "another run";
  EXPECT_FALSE(candidate.may_take(seen, kNow + 2 * kOwn, kOwn));
  EXPECT_TRUE(candidate.may_take(seen, kNow + 3 * kOwn, kOwn));
}

TEST(CandidateTest, ARowThatSaysAShorterTimeIsNotBelieved) {
  Candidate candidate;
  const auto seen = held_for(milliseconds(1));
  EXPECT_FALSE(candidate.may_take(seen, kNow, kOwn));
  EXPECT_FALSE(candidate.may_take(seen, kNow + kOwn - milliseconds(1), kOwn));
  EXPECT_TRUE(candidate.may_take(seen, kNow + kOwn, kOwn));
}

TEST(CandidateTest, OneThatWasGivenBackIsTakenAtOnce) {
  auto seen = held_for(milliseconds(30'000));
  seen.released = true;
  EXPECT_TRUE(Candidate().may_take(seen, kNow, kOwn));
}

}  // namespace
}  // namespace nae::group
