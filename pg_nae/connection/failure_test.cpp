#include "pg_nae/connection/failure.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "libnae/base/text.hpp"

namespace nae::backend {
namespace {

TEST(Failure, KeepsCodeMessageAndHint) {
  Failure failure;
  set_failure(failure, Code::denied, "no rule", "ask for one");
  EXPECT_EQ(failure.code, Code::denied);
  EXPECT_STREQ(failure.message, "no rule");
  EXPECT_STREQ(failure.hint, "ask for one");
}

TEST(Failure, TakesTheHintOfTheCodeWhenThereIsNone) {
  Failure failure;
  set_failure(failure, Code::denied, "no rule");
  EXPECT_EQ(failure.hint, row(Code::denied).hint);
  set_failure(failure, Error(Code::timeout, "late"));
  EXPECT_EQ(failure.hint, row(Code::timeout).hint);
}

TEST(Failure, HoldsATextOfItsRoomAndCutsOneByteMore) {
  Failure failure;
  constexpr std::size_t kMost = sizeof failure.message - 1;
  set_failure(failure, Code::denied, std::string(kMost, 'a'));
  EXPECT_EQ(std::string_view(failure.message).size(), kMost);
  set_failure(failure, Code::denied, std::string(kMost + 1, 'a'), std::string(10'000, 'h'));
  EXPECT_EQ(std::string_view(failure.message).size(), kMost);
  EXPECT_EQ(std::string_view(failure.hint).size(), sizeof failure.hint - 1);
}

// PostgreSQL takes no half of a character.
TEST(Failure, CutsAtTheStartOfACharacter) {
  for (const std::string character : {"\u00e9", "\u20ac", "\U0001f511"}) {
    for (std::size_t before = 700; before < 770; ++before) {
      std::string text(before, 'a');
      while (text.size() < 1000) text += character;
      Failure failure;
      set_failure(failure, Code::denied, text, text);
      EXPECT_TRUE(is_utf8(failure.message)) << before;
      EXPECT_TRUE(is_utf8(failure.hint)) << before;
      EXPECT_TRUE(text.starts_with(failure.message));
      EXPECT_GT(std::string_view(failure.message).size(), sizeof failure.message - 5);
    }
  }
}

TEST(Guarded, AnswersTheValueOrTheOther) {
  Failure failure;
  EXPECT_EQ(guarded(failure, 7, []() -> Result<int> { return 1; }), 1);
  EXPECT_EQ(guarded(failure, 7, []() -> Result<int> { return fail(Code::timeout, "late"); }), 7);
  EXPECT_EQ(failure.code, Code::timeout);
  EXPECT_STREQ(failure.message, "late");
}

TEST(Guarded, LetsNoExceptionOut) {
  Failure failure;
  EXPECT_EQ(guarded(failure, 7, []() -> Result<int> { throw std::bad_alloc(); }), 7);
  EXPECT_EQ(failure.code, Code::overloaded);
  EXPECT_EQ(guarded(failure, 7, []() -> Result<int> { throw std::runtime_error("broken"); }), 7);
  EXPECT_EQ(failure.code, Code::internal);
  EXPECT_STREQ(failure.message, "broken");
  EXPECT_EQ(guarded(failure, 7, []() -> Result<int> { throw 1; }), 7);
  EXPECT_STREQ(failure.message, "unknown exception");
}

}  // namespace
}  // namespace nae::backend
