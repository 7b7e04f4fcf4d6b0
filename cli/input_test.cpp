#include "cli/input.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string_view>

namespace nae::cli {
namespace {

// Puts a pipe in the place of standard input, with these bytes in it and then its end.
class InputTest : public testing::Test {
 protected:
  void SetUp() override { own_ = ::dup(STDIN_FILENO); }
  void TearDown() override {
    ::dup2(own_, STDIN_FILENO);
    ::close(own_);
  }
  void pipe_in(std::string_view text) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
  }

  int own_ = -1;
};

TEST_F(InputTest, ADashIsStandardInput) {
  pipe_in("version = 2\n");
  EXPECT_EQ(content_of("-", 100).value(), "version = 2\n");
  // It was read to its end: a second file of the same command finds nothing there.
  EXPECT_EQ(content_of("-", 100).error().code, Code::file_failed);
}

TEST_F(InputTest, HasABound) {
  pipe_in("12345");
  EXPECT_EQ(content_of("-", 5).value(), "12345");
  pipe_in("123456");
  EXPECT_EQ(content_of("-", 5).error().code, Code::file_failed);
}

TEST_F(InputTest, NothingIsNoDocument) {
  pipe_in("");
  auto nothing = content_of("-", 100);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().message, "standard input is empty");
  ::close(STDIN_FILENO);
  EXPECT_EQ(content_of("-", 100).error().code, Code::file_failed);
}

TEST_F(InputTest, AnythingElseIsAFile) {
  pipe_in("from the pipe");
  EXPECT_EQ(content_of("/nonexistent", 100).error().code, Code::file_failed);
  EXPECT_EQ(content_of("./-", 100).error().code, Code::file_failed);
}

}  // namespace
}  // namespace nae::cli
