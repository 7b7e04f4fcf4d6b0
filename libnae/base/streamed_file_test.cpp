#include "libnae/base/streamed_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "libnae/base/file.hpp"

namespace nae {
namespace {

namespace fs = std::filesystem;

class StreamedFileTest : public testing::Test {
 protected:
  StreamedFileTest() {
    std::string name = (fs::temp_directory_path() / "nae-stream-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~StreamedFileTest() override { fs::remove_all(directory_); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory_), {}));
  }
  fs::path directory_;
};

TEST_F(StreamedFileTest, IsThereWhenItIsWhole) {
  const fs::path file = directory_ / "a";
  auto stream = StreamedFile::create(file, 0600);
  ASSERT_TRUE(stream) << stream.error().message;
  ASSERT_TRUE(stream->append(as_bytes("one ")));
  ASSERT_TRUE(stream->append(as_bytes("two")));
  EXPECT_FALSE(fs::exists(file));
  ASSERT_TRUE(stream->flush());
  EXPECT_EQ(read_file(stream->beside(), 100).value(), "one two");
  EXPECT_FALSE(fs::exists(file));
  ASSERT_TRUE(stream->publish());
  EXPECT_EQ(read_file(file, 100).value(), "one two");
  EXPECT_EQ(files(), 1u);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(StreamedFileTest, WhatIsNotPublishedLeavesNothing) {
  {
    auto stream = StreamedFile::create(directory_ / "a", 0600).value();
    ASSERT_TRUE(stream.append(as_bytes("half")));
    EXPECT_EQ(files(), 1u);
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(StreamedFileTest, OverwritesNothing) {
  const fs::path file = directory_ / "a";
  auto stream = StreamedFile::create(file, 0600).value();
  ASSERT_TRUE(write_new_file(file, as_bytes("precious"), 0600));
  EXPECT_EQ(stream.publish().error().code, Code::file_failed) << "it came meanwhile";
  EXPECT_EQ(StreamedFile::create(file, 0600).error().code, Code::file_failed);
  EXPECT_EQ(read_file(file, 100).value(), "precious");
}

TEST_F(StreamedFileTest, APartThatWasLeftOrPlantedIsNotWrittenInto) {
  ASSERT_TRUE(write_new_file(directory_ / "precious", as_bytes("precious"), 0600));
  fs::create_symlink(directory_ / "precious", directory_ / ".a.part");
  auto stream = StreamedFile::create(directory_ / "a", 0600).value();
  ASSERT_TRUE(stream.append(as_bytes("x")));
  ASSERT_TRUE(stream.publish());
  EXPECT_EQ(read_file(directory_ / "precious", 100).value(), "precious");
  EXPECT_EQ(read_file(directory_ / "a", 100).value(), "x");
  EXPECT_EQ(StreamedFile::create(directory_ / "none/a", 0600).error().code, Code::file_failed);
}

TEST_F(StreamedFileTest, TwoAtOnceAreKeptApart) {
  const fs::path file = directory_ / "a";
  {
    auto first = StreamedFile::create(file, 0600).value();
    ASSERT_TRUE(first.append(as_bytes("one")));
    for (const bool flushed : {false, true}) {
      if (flushed) {
        ASSERT_TRUE(first.flush());
      }
      const auto second = StreamedFile::create(file, 0600);
      ASSERT_FALSE(second);
      EXPECT_NE(second.error().message.find("is being written at this moment"), std::string::npos)
          << second.error().message;
    }
    ASSERT_TRUE(first.publish());
  }
  EXPECT_EQ(read_file(file, 100).value(), "one");
  fs::remove(file);
  EXPECT_TRUE(StreamedFile::create(file, 0600)) << "and the next one goes through";
}

// Where no lock keeps the other one off.
TEST_F(StreamedFileTest, WhatAnotherHasPutUnderTheOtherNameIsNotPublished) {
  const fs::path file = directory_ / "a";
  {
    auto stream = StreamedFile::create(file, 0600).value();
    ASSERT_TRUE(stream.append(as_bytes("whole")));
    const fs::path beside = stream.beside();
    fs::remove(beside);
    ASSERT_TRUE(write_new_file(beside, as_bytes("ha"), 0600));
    EXPECT_EQ(stream.publish().error().code, Code::file_failed);
    EXPECT_FALSE(fs::exists(file));
  }
  EXPECT_EQ(files(), 1u) << "what is the other one's stays";
}

}  // namespace
}  // namespace nae
