// The time that has passed, over a restart.
#include "keyserver/store/engines/test_engine.hpp"

namespace nae::store {
namespace {

const keys::KeptTime kTime{3, 1'767'225'600'000'000, 5, "boot", true};

TEST_P(EngineTest, TheTimeThatHasPassedSurvivesARestart) {
  {
    auto store = create();
    EXPECT_EQ(*store->kept_time(), std::nullopt) << "of a new one nobody knows";
    ASSERT_TRUE(store->keep_time({1, 2, 3, "other", false}));
    ASSERT_TRUE(store->keep_time(kTime));
  }
  EXPECT_EQ(*reopen()->kept_time(), kTime);
}

TEST_P(EngineTest, WhatADestructionWaitsForSurvivesARestart) {
  const std::vector<keys::Step> schedule{{keys::State::retired, 100},
                                         {keys::State::destroyed, 200, 150}};
  {
    auto store = create();
    ASSERT_TRUE(store->insert_key(make_key("k")));
    ASSERT_TRUE(store->set_schedule({make_key("k").id, 1}, schedule));
  }
  EXPECT_EQ(reopen()->load_keys()->at(0).versions[0].schedule, schedule);
}

}  // namespace
}  // namespace nae::store
