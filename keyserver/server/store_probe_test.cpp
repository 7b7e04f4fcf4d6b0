// A store that does not answer holds nobody up who asks how it is.
#include "keyserver/server/store_probe.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "libnae/base/test_eventually.hpp"

namespace nae::server {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A store whose next answers wait until they are let go.
class Held {
 public:
  Result<void> check() {
    ++asked;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return free_; });
    return {};
  }
  void hold(bool held) {
    std::lock_guard lock(mutex_);
    free_ = !held;
    changed_.notify_all();
  }
  std::atomic<int> asked = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool free_ = true;
};

TEST(StoreProbeTest, AStoreThatAnswersIsAskedEachTime) {
  int asked = 0;  // of the probe's thread, and read when it has answered
  StoreProbe probe(
      [&]() -> Result<void> {
        if (++asked == 2) return fail(Code::store_version, "migrated");
        return {};
      },
      {milliseconds(60'000), milliseconds(60'000)});
  EXPECT_TRUE(probe.ask());
  const auto refused = probe.ask();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::store_version);
  EXPECT_TRUE(probe.answers_within(milliseconds(60'000)));
  EXPECT_EQ(asked, 3);
}

TEST(StoreProbeTest, OneThatIsSilentIsWaitedForOnce) {
  constexpr milliseconds kPatience{100};
  Held store;
  store.hold(true);
  StoreProbe probe([&] { return store.check(); }, {kPatience, kPatience});
  const auto first = probe.ask();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Code::store_unavailable);
  EXPECT_THAT(first.error().message, ::testing::HasSubstr("has not answered"));
  EXPECT_FALSE(probe.answers_within(milliseconds(1)));
  const auto before = Clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(probe.ask());
  EXPECT_LT(Clock::now() - before, 50 * kPatience) << "nobody waits for a question of before";
  EXPECT_EQ(store.asked, 1) << "nor asks it again";
  store.hold(false);
  EXPECT_TRUE(eventually([&] { return probe.ask().has_value(); }));
}

TEST(StoreProbeTest, OneThatIsSlowIsNotAway) {
  constexpr milliseconds kPatience{50}, kAwayAfter{400};
  Held store;
  StoreProbe probe([&] { return store.check(); }, {kPatience, kAwayAfter});
  EXPECT_TRUE(eventually([&] { return probe.ask().has_value(); }));
  store.hold(true);
  const auto begun = Clock::now();
  EXPECT_TRUE(probe.ask()) << "what it said last stands";
  EXPECT_TRUE(eventually([&] { return !probe.ask(); }));
  EXPECT_GE(Clock::now() - begun, kAwayAfter);
  store.hold(false);
}

}  // namespace
}  // namespace nae::server
