#include "keyserver/group/presence.hpp"

#include <gtest/gtest.h>

namespace nae::group {
namespace {

using std::chrono::milliseconds;
using Verdict = Presence::Verdict;

constexpr milliseconds kOwn{5'000};
constexpr BootClock::time_point kStart{std::chrono::hours(1)};

const store::LeaseState kLease{7, 3, "ks2", "its run", kOwn, false};

store::NodeRun run_of(const std::string& run, std::int64_t beat = 3) {
  return {run, beat, milliseconds(30'000), false, "ks1:7443"};
}

TEST(PresenceTest, ANameThatNobodyHasIsFree) {
  Presence presence("mine");
  EXPECT_EQ(presence.may_begin({}, kLease, kStart, kOwn), Verdict::free);
  EXPECT_EQ(presence.may_begin(run_of("mine"), kLease, kStart, kOwn), Verdict::free);
  auto left = run_of("other");
  left.left = true;
  EXPECT_EQ(presence.may_begin(left, kLease, kStart, kOwn), Verdict::free);
}

TEST(PresenceTest, ARunThatIsSilentIsOverWhenItsTimeIs) {
  Presence presence("mine");
  EXPECT_EQ(presence.may_begin(run_of("other"), kLease, kStart, kOwn), Verdict::wait);
  EXPECT_EQ(presence.may_begin(run_of("other"), kLease, kStart + milliseconds(29'999), kOwn),
            Verdict::wait);
  EXPECT_EQ(presence.may_begin(run_of("other"), kLease, kStart + milliseconds(30'000), kOwn),
            Verdict::free);
}

TEST(PresenceTest, AShorterTimeThanOnesOwnIsNotBelieved) {
  Presence presence("mine");
  auto shortened = run_of("other");
  shortened.duration = milliseconds(1);
  EXPECT_EQ(presence.may_begin(shortened, kLease, kStart, kOwn), Verdict::wait);
  EXPECT_EQ(presence.may_begin(shortened, kLease, kStart + milliseconds(4'999), kOwn),
            Verdict::wait);
  EXPECT_EQ(presence.may_begin(shortened, kLease, kStart + kOwn, kOwn), Verdict::free);
}

TEST(PresenceTest, ARunThatIsHeardOfAgainLives) {
  Presence presence("mine");
  EXPECT_EQ(presence.may_begin(run_of("other", 3), kLease, kStart, kOwn), Verdict::wait);
  EXPECT_EQ(presence.may_begin(run_of("other", 4), kLease, kStart + milliseconds(10'000), kOwn),
            Verdict::wait)
      << "the last word of one that was killed";
  EXPECT_EQ(presence.may_begin(run_of("other", 4), kLease, kStart + milliseconds(39'999), kOwn),
            Verdict::wait)
      << "from which on it counts";
  EXPECT_EQ(presence.may_begin(run_of("other", 5), kLease, kStart + milliseconds(39'999), kOwn),
            Verdict::taken);
}

TEST(PresenceTest, AThirdRunBeginsTheWaitAnew) {
  Presence presence("mine");
  EXPECT_EQ(presence.may_begin(run_of("other", 3), kLease, kStart, kOwn), Verdict::wait);
  EXPECT_EQ(presence.may_begin(run_of("third", 9), kLease, kStart + milliseconds(30'000), kOwn),
            Verdict::wait);
  EXPECT_EQ(presence.may_begin(run_of("third", 11), kLease, kStart + milliseconds(30'001), kOwn),
            Verdict::taken);
}

TEST(PresenceTest, ARunThatWasInChargeIsOverWithoutTheLease) {
  auto in_charge = run_of("other");
  in_charge.in_charge = true;
  EXPECT_EQ(Presence("mine").may_begin(in_charge, kLease, kStart, kOwn), Verdict::free)
      << "somebody else has it";
  auto lease = kLease;
  lease.holder = "other";
  EXPECT_EQ(Presence("mine").may_begin(in_charge, lease, kStart, kOwn), Verdict::wait);
  lease.released = true;
  EXPECT_EQ(Presence("mine").may_begin(in_charge, lease, kStart, kOwn), Verdict::free);
  EXPECT_EQ(Presence("mine").may_begin(run_of("other"), lease, kStart, kOwn), Verdict::wait)
      << "one that waits need not have it";
}

}  // namespace
}  // namespace nae::group
