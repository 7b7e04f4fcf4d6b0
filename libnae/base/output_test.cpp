#include "libnae/base/output.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <sstream>

namespace nae {
namespace {

using testing::HasSubstr;

// A pipe, a buffer before it and a stream before that.
class OutputTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::pipe(ends_), 0);
    std::signal(SIGPIPE, SIG_IGN);
  }
  void TearDown() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  std::string received() {
    char text[100];
    const ssize_t size = ::read(ends_[0], text, sizeof text);
    return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
  }
  int ends_[2] = {-1, -1};
};

TEST_F(OutputTest, WhatIsWrittenArrives) {
  DescriptorBuffer buffer(ends_[1]);
  std::ostream out(&buffer);
  out << "seven " << 7;
  EXPECT_TRUE(written(out));
  EXPECT_EQ(received(), "seven 7");
}

TEST_F(OutputTest, EveryLengthArrives) {
  for (std::size_t size : {65'535u, 65'536u, 65'537u, 200'000u}) {
    int file = ::open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    ASSERT_GE(file, 0);
    {
      DescriptorBuffer buffer(file);
      std::ostream out(&buffer);
      for (std::size_t i = 0; i < size; ++i) out << 'x';
      EXPECT_TRUE(written(out));
    }
    EXPECT_EQ(::lseek(file, 0, SEEK_END), static_cast<off_t>(size));
    ::close(file);
  }
}

TEST_F(OutputTest, AFullDiskIsAnErrorHoweverMuchIsWritten) {
  for (std::size_t size : {1u, 8192u, 65'536u, 200'000u}) {
    int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_GE(full, 0);
    DescriptorBuffer buffer(full);
    std::ostream out(&buffer);
    out << std::string(size, 'x');
    for (int again = 0; again < 2; ++again) {  // it stays one
      auto done = written(out);
      ASSERT_FALSE(done) << size;
      EXPECT_EQ(done.error().code, Code::file_failed);
      EXPECT_THAT(done.error().message, HasSubstr("No space left"));
    }
    ::close(full);
  }
}

TEST_F(OutputTest, AReaderThatLeftIsTold) {
  ::close(ends_[0]);
  DescriptorBuffer buffer(ends_[1]);
  std::ostream out(&buffer);
  out << "x";
  bool reader_left = false;
  EXPECT_FALSE(written(out, &reader_left));
  EXPECT_TRUE(reader_left);
  ends_[0] = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

TEST_F(OutputTest, NothingFollowsAHole) {
  for (int end : ends_) ASSERT_EQ(::fcntl(end, F_SETFL, O_NONBLOCK), 0);
  DescriptorBuffer buffer(ends_[1]);
  std::ostream out(&buffer);
  out << std::string(1u << 20, 'x');  // more than a pipe holds
  EXPECT_FALSE(out.good());
  while (::read(ends_[0], std::string(4096, ' ').data(), 4096) == 4096) continue;
  out.clear();
  out << "the end";
  EXPECT_FALSE(written(out));
}

TEST_F(OutputTest, AClosedOutputIsNoFileThatIsOpenedLater) {
  EXPECT_EXIT(
      {
        ::close(STDIN_FILENO);
        ::close(STDOUT_FILENO);
        open_standard_descriptors();
        int later = ::open("/tmp", O_RDWR | O_TMPFILE, 0600);
        DescriptorBuffer buffer(STDOUT_FILENO);
        std::ostream out(&buffer);
        out << "a line of a table";
        const bool told = !written(out);
        std::_Exit(told && later > STDERR_FILENO && ::lseek(later, 0, SEEK_END) == 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(OutputTest, AStreamThatFailedByItselfIsAnError) {
  std::ostringstream out;
  EXPECT_TRUE(written(out));
  out.setstate(std::ios::failbit);
  EXPECT_FALSE(written(out));
}

}  // namespace
}  // namespace nae
