// Counts of limits over a restart.
#include "keyserver/policy/limit.hpp"
#include "keyserver/store/engines/test_engine.hpp"

namespace nae::store {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'767'225'600 * kSecond;

policy::LimitUse use(std::string_view limit, std::string_view login = "alice") {
  return policy::use_of(*policy::parse_limit(limit), "r", {"db1", "analyst", login});
}

TEST_P(EngineTest, CountsOfLongLimitsSurviveARestart) {
  const policy::LimitUse both[] = {use("10 per day"), use("10 per minute")};
  const policy::LimitUse day[] = {both[0]}, minute[] = {both[1]};
  {
    auto store = create();
    policy::LimitBook book;
    ASSERT_FALSE(book.take(both, 7, kNow));
    auto changed = book.take_changed();
    ASSERT_EQ(changed.size(), 1u) << "a minute is not worth a write";
    ASSERT_TRUE(store->save_limits(changed, kNow));
    EXPECT_TRUE(book.take_changed().empty());
  }
  policy::LimitBook book;
  ASSERT_TRUE(book.restore(*reopen()->load_limits(), kNow + 60 * kSecond));
  EXPECT_EQ(book.take(day, 4, kNow + 60 * kSecond)->limit.window_seconds, 86'400u);
  EXPECT_FALSE(book.take(day, 3, kNow + 60 * kSecond));
  EXPECT_FALSE(book.take(minute, 10, kNow + 60 * kSecond));
  EXPECT_FALSE(book.take(day, 7, kNow + 88'000 * kSecond)) << "and expire as they would have";
}

TEST_P(EngineTest, ExpiredCountsGo) {
  auto store = create();
  policy::LimitBook book;
  const policy::LimitUse limits[] = {use("10 per hour")};
  ASSERT_FALSE(book.take(limits, 1, kNow));
  ASSERT_TRUE(store->save_limits(book.take_changed(), kNow));
  ASSERT_EQ(store->load_limits()->size(), 1u);
  ASSERT_TRUE(store->save_limits({}, kNow + 3700 * kSecond));
  EXPECT_TRUE(store->load_limits()->empty());
}

TEST_P(EngineTest, CountsThatWereNotKeptAreGivenBack) {
  policy::LimitBook book;
  const policy::LimitUse limits[] = {use("10 per hour")};
  ASSERT_FALSE(book.take(limits, 1, kNow));
  auto changed = book.take_changed();
  book.give_back(changed);
  EXPECT_EQ(book.take_changed().size(), 1u);
}

TEST_P(EngineTest, AMalformedCountIsNotTakenUp) {
  auto store = create();
  policy::LimitBook book;
  const policy::LimitUse limits[] = {use("10 per hour")};
  ASSERT_FALSE(book.take(limits, 3, kNow));
  auto changed = book.take_changed();
  for (const char* change :
       {"UPDATE limit_counts SET counts = x'000000000000000000'",
        "UPDATE limit_counts SET counts = x'0000000000000000000000000000000000'",
        "UPDATE limit_counts SET counts = x'ffffffffffffffff'",
        "UPDATE limit_counts SET counts = x'0000000000000000ff0000000000000001'"}) {
    ASSERT_TRUE(store->save_limits(changed, kNow));
    tamper(change);
    policy::LimitBook other;
    auto restored = other.restore(*store->load_limits(), kNow);
    ASSERT_FALSE(restored) << change;
    EXPECT_EQ(restored.error().code, Code::store_corrupt);
  }
}

}  // namespace
}  // namespace nae::store
