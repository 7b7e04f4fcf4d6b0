// Counts of limits over a restart.
#include "keyserver/policy/limit.hpp"
#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::store::sqlite {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'767'225'600 * kSecond;

policy::LimitUse use(std::string_view limit, std::string_view login = "alice") {
  return policy::use_of(*policy::parse_limit(limit), "r", {"db1", "analyst", login});
}

TEST_F(StoreTest, AStoreWithoutCountsOfLimitsGetsThem) {
  create_of_schema(3);
  auto store = reopen();
  ASSERT_TRUE(store);
  EXPECT_TRUE(store->load_limits()->empty());
  policy::LimitBook book;
  const policy::LimitUse limits[] = {use("10 per hour")};
  ASSERT_FALSE(book.take(limits, 1, kNow));
  EXPECT_TRUE(store->save_limits(book.take_changed(), kNow));
}

}  // namespace
}  // namespace nae::store::sqlite
