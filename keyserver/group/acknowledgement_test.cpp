#include "keyserver/group/acknowledgement.hpp"

#include <gmock/gmock.h>

#include <future>

#include "libnae/base/test_eventually.hpp"

namespace nae::group {
namespace {

using std::chrono::milliseconds;
using store::Follower;
using testing::HasSubstr;

constexpr milliseconds kLease{400};

class AcknowledgementTest : public ::testing::Test {
 protected:
  static Follower row(std::uint64_t applied, std::int64_t beat = 1) {
    return {"ks2", "run", beat, kLease, {applied, {}}};
  }
  Acknowledgement::Options options() {
    return {kLease, [this]() -> Result<std::vector<Follower>> {
              std::lock_guard lock(mutex_);
              ++looks_;
              if (said_) return fail(*said_);
              if (beats_) ++rows_.front().beat;
              return rows_;
            }};
  }
  void set(std::vector<Follower> rows) {
    std::lock_guard lock(mutex_);
    rows_ = std::move(rows);
  }
  int looks() {
    std::lock_guard lock(mutex_);
    return looks_;
  }

  std::mutex mutex_;
  std::vector<Follower> rows_;
  std::optional<Error> said_;
  bool beats_ = false;
  int looks_ = 0;
  Acknowledgement acknowledgement_{options()};
};

TEST_F(AcknowledgementTest, WithoutFollowersAChangeIsAcknowledgedAtOnce) {
  EXPECT_TRUE(acknowledgement_.wait({7, {}}));
  EXPECT_EQ(looks(), 1);
}

TEST_F(AcknowledgementTest, ItIsAcknowledgedWhenItIsAppliedEverywhere) {
  set({row(6)});
  auto waited = std::async(std::launch::async, [&] { return acknowledgement_.wait({7, {}}); });
  ASSERT_TRUE(eventually([&] { return looks() >= 2; }));
  set({row(7, 2)});
  EXPECT_TRUE(waited.get());
}

TEST_F(AcknowledgementTest, WhoIsSilentCostsALeaseOnce) {
  set({row(6)});
  const auto begun = BootClock::now();
  EXPECT_TRUE(acknowledgement_.wait({7, {}}));
  EXPECT_GE(BootClock::now() - begun, kLease);
  const int before = looks();
  EXPECT_TRUE(acknowledgement_.wait({8, {}}));
  EXPECT_EQ(looks(), before + 1);
}

TEST_F(AcknowledgementTest, WhoIsSilentBeforeAChangeDoesNotHoldItUp) {
  set({row(6)});
  acknowledgement_.look_ahead();
  const auto begun = BootClock::now();
  while (BootClock::now() - begun < kLease) acknowledgement_.look_ahead();
  const int before = looks();
  EXPECT_TRUE(acknowledgement_.wait({7, {}}));
  EXPECT_EQ(looks(), before + 1);
}

TEST_F(AcknowledgementTest, WhoIsHeardOfAndDoesNotApplyItEndsTheCallWithATimeout) {
  set({row(6)});
  beats_ = true;
  const auto begun = BootClock::now();
  const auto waited = acknowledgement_.wait({7, {}});
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Code::timeout);
  EXPECT_THAT(waited.error().message, HasSubstr("ks2"));
  EXPECT_GE(BootClock::now() - begun, 2 * kLease);
}

TEST_F(AcknowledgementTest, WithoutTheStoreNothingIsAcknowledged) {
  said_.emplace(Code::store_unavailable, "it is away");
  const auto waited = acknowledgement_.wait({7, {}});
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Code::timeout);
  EXPECT_THAT(waited.error().message, HasSubstr("it is away"));
}

TEST_F(AcknowledgementTest, AStopEndsTheWait) {
  set({row(6)});
  beats_ = true;
  auto waited = std::async(std::launch::async, [&] { return acknowledgement_.wait({7, {}}); });
  ASSERT_TRUE(eventually([&] { return looks() >= 1; }));
  acknowledgement_.stop();
  EXPECT_THAT(waited.get().error().message, HasSubstr("this one stops"));
}

TEST_F(AcknowledgementTest, AfterAStopNobodyLooks) {
  const auto begun = acknowledgement_.begin({7, {}});
  acknowledgement_.stop();
  EXPECT_THAT(begun().error().message, HasSubstr("this one stops"));
  EXPECT_EQ(looks(), 0);
}

TEST_F(AcknowledgementTest, WhoIsToldToStopWhileItTakesChargeWaitsNoLonger) {
  set({row(6)});
  beats_ = true;
  std::stop_source told;
  auto waited = std::async(std::launch::async, [&] {
    return acknowledgement_.wait({7, {}}, told.get_token());
  });
  ASSERT_TRUE(eventually([&] { return looks() >= 1; }));
  told.request_stop();
  EXPECT_THAT(waited.get().error().message, HasSubstr("this one stops"));
}

TEST_F(AcknowledgementTest, TheTimeOfACallCountsFromItsChange) {
  set({row(6)});
  beats_ = true;
  const auto first = acknowledgement_.begin({7, {}}), second = acknowledgement_.begin({8, {}});
  const auto waited = first();
  EXPECT_THAT(waited.error().message, HasSubstr("the change was made"));
  EXPECT_THAT(waited.error().message, HasSubstr("ks2 has not said so"));
  const int before = looks();
  EXPECT_EQ(second().error().code, Code::timeout);
  EXPECT_EQ(looks(), before + 1) << "it has waited as long as the first one";
  set({row(8)});
  EXPECT_TRUE(acknowledgement_.begin({8, {}})());
}

}  // namespace
}  // namespace nae::group
