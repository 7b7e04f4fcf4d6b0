#include "keyserver/group/presence.hpp"

#include <gtest/gtest.h>

namespace nae::group {
namespace {

using std::chrono::milliseconds;
using Verdict = Presence::Verdict;

constexpr milliseconds kOwn{5'000};
constexpr BootClock::time_point kStart{std::chrono::hours(1)};

store::NodeRun run_of(const std::string& run, std::int64_t beat = 3) {
  return {run, beat, milliseconds(30'000), false, "ks1:7443"};
}

TEST(PresenceTest, ANameThatNobodyHasIsFree) {
  Presence presence("mine");
  EXPECT_EQ(presence.may_begin({}, kStart, kOwn), Verdict::free);
  EXPECT_EQ(presence.may_begin(run_of("mine"), kStart, kOwn), Verdict::free);
  auto left = run_of("other");
  left.left = true;
  EXPECT_EQ(presence.may_begin(left, kStart, kOwn), Verdict::free);
}

TEST(PresenceTest, ARunThatIsSilentIsOverWhenItsTimeIs) {
  Presence presence("mine");
  EXPECT_EQ(presence.may_begin(run_of("other"), kStart, kOwn), Verdict::wait);
  EXPECT_EQ(presence.may_begin(run_of("other"), kStart + milliseconds(29'999), kOwn),
            Verdict::wait);
  EXPECT_EQ(presence.may_begin(run_of("other"), kStart + milliseconds(30'000), kOwn),
            Verdict::free);
}

TEST(PresenceTest, AShorterTimeThanOnesOwnIsNotBelieved) {
  Presence presence("mine");
  auto shortened = run_of("other");
  shortened.duration = milliseconds(1);
  EXPECT_EQ(presence.may_begin(shortened, kStart, kOwn), Verdict::wait);
  EXPECT_EQ(presence.may_begin(shortened, kStart + milliseconds(4'999), kOwn), Verdict::wait);
  EXPECT_EQ(presence.may_begin(shortened, kStart + kOwn, kOwn), Verdict::free);
}

TEST(PresenceTest, ARunThatIsHeardOfAgainLives) {
  Presence presence("mine");
  EXPECT_EQ(presence.may_begin(run_of("other", 3), kStart, kOwn), Verdict::wait);
  EXPECT_EQ(presence.may_begin(run_of("other", 4), kStart + milliseconds(10'000), kOwn),
            Verdict::wait)
      << "the last word of one that was killed";
  EXPECT_EQ(presence.may_begin(run_of("other", 4), kStart + milliseconds(39'999), kOwn),
            Verdict::wait)
      << "from which on it counts";
  EXPECT_EQ(presence.may_begin(run_of("other", 5), kStart + milliseconds(39'999), kOwn),
            Verdict::taken);
}

TEST(PresenceTest, AThirdRunBeginsTheWaitAnew) {
  Presence presence("mine");
  EXPECT_EQ(presence.may_begin(run_of("other", 3), kStart, kOwn), Verdict::wait);
  EXPECT_EQ(presence.may_begin(run_of("third", 9), kStart + milliseconds(30'000), kOwn),
            Verdict::wait);
  EXPECT_EQ(presence.may_begin(run_of("third", 11), kStart + milliseconds(30'001), kOwn),
            Verdict::taken);
}

}  // namespace
}  // namespace nae::group
