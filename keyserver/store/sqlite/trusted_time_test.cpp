// The time that has passed, over a restart.
#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::store::sqlite {
namespace {

const keys::KeptTime kTime{3, 1'767'225'600'000'000, 5, "boot", true};

TEST_F(StoreTest, TheTimeThatHasPassedSurvivesARestart) {
  {
    auto store = create();
    EXPECT_EQ(*store->kept_time(), std::nullopt) << "of a new one nobody knows";
    ASSERT_TRUE(store->keep_time({1, 2, 3, "other", false}));
    ASSERT_TRUE(store->keep_time(kTime));
  }
  EXPECT_EQ(*reopen()->kept_time(), kTime);
}

TEST_F(StoreTest, WhatADestructionWaitsForSurvivesARestart) {
  const std::vector<keys::Step> schedule{{keys::State::retired, 100},
                                         {keys::State::destroyed, 200, 150}};
  {
    auto store = create();
    ASSERT_TRUE(store->insert_key(make_key("k")));
    ASSERT_TRUE(store->set_schedule({make_key("k").id, 1}, schedule));
  }
  EXPECT_EQ(reopen()->load_keys()->at(0).versions[0].schedule, schedule);
}

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
