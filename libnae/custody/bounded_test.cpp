#include "libnae/custody/bounded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace nae::custody {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(Bounded, AnswersWhatTheJobDoes) {
  EXPECT_EQ(bounded<int>(milliseconds(30'000), [] { return Result<int>(7); }).value(), 7);
  const auto failed = bounded<void>(milliseconds(30'000),
                                    []() -> Result<void> { return fail(Code::conflict, "x"); });
  EXPECT_EQ(failed.error().code, Code::conflict);
}

// Else a session is closed while the next card, or the HSM, is at work in the same module.
TEST(Bounded, WhatTheJobOwnedIsGoneWhenItIsAnswered) {
  for (int i = 0; i < 200; ++i) {
    auto owned = std::make_shared<int>(i);
    const std::weak_ptr<int> left = owned;
    ASSERT_TRUE(bounded<int>(milliseconds(30'000),
                             [owned = std::move(owned)] { return Result<int>(*owned); }));
    ASSERT_TRUE(left.expired()) << i;
  }
}

TEST(Bounded, GivesUpWhatDoesNotEnd) {
  auto ended = std::make_shared<std::promise<void>>();
  auto until = ended->get_future().share();
  auto over = std::make_shared<std::promise<void>>();
  auto is_over = over->get_future();
  const auto answer = bounded<int>(milliseconds(50), [until, over]() -> Result<int> {
    until.wait();
    over->set_value();
    return 1;
  });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::timeout);
  EXPECT_THAT(answer.error().message, HasSubstr("hangs"));
  ended->set_value();
  EXPECT_EQ(is_over.wait_for(std::chrono::seconds(30)), std::future_status::ready)
      << "its thread goes on by itself";
}

}  // namespace
}  // namespace nae::custody
