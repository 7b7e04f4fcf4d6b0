// The time that has passed, over a restart.
#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::store::sqlite {
namespace {

const keys::KeptTime kTime{3, 1'767'225'600'000'000, 5, "boot", true};

TEST_F(StoreTest, DestructionsOfAnOlderServerWaitForSteadyTimeAsWell) {
  create_of_schema(5);
  tamper("INSERT INTO schedule VALUES (x'020304050607', 1, 4, 100), (x'020304050607', 1, 5, 200)");
  auto store = reopen();
  ASSERT_TRUE(store);
  EXPECT_EQ(*store->kept_time(), std::nullopt);
  const std::vector<keys::Step> wanted{{keys::State::retired, 100, 0},
                                       {keys::State::destroyed, 200, 200}};
  EXPECT_EQ(store->load_keys()->at(1).versions[0].schedule, wanted);
  EXPECT_TRUE(store->keep_time(kTime));
}

}  // namespace
}  // namespace nae::store::sqlite
