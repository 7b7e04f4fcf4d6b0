#include "libnae/base/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

namespace nae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "nae-file-XXXXXX").string();
    ASSERT_TRUE(::mkdtemp(name.data()));
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      all.push_back(entry.path().filename().string());
    return all;
  }
  std::string content(const char* name) const { return read_file(directory_ / name, 1000).value(); }

  std::filesystem::path directory_;
};

// Within its scope no file grows beyond `bytes`: what a full disk is, without one.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &now);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST_F(FileTest, ANewFileHasItsModeAndNothingBeside) {
  ASSERT_TRUE(write_new_file(directory_ / "a.key", as_bytes("secret"), 0600));
  struct stat status {};
  ::stat((directory_ / "a.key").c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(content("a.key"), "secret");
  EXPECT_THAT(names(), ElementsAre("a.key"));
}

TEST_F(FileTest, WhatIsHeldHasNoNameUntilItReplaces) {
  ASSERT_TRUE(write_new_file(directory_ / "a", as_bytes("old"), 0600));
  {
    auto next = NewFile::reserve(directory_ / "a", 0600).value();
    ASSERT_TRUE(next.hold(as_bytes("new")));
    EXPECT_EQ(read_file(directory_ / "a", 100).value(), "old");
    ASSERT_TRUE(next.replace());
  }
  EXPECT_EQ(read_file(directory_ / "a", 100).value(), "new");
  std::filesystem::create_directory(directory_ / "in-the-way");
  {
    auto next = NewFile::reserve(directory_ / "in-the-way", 0600).value();
    ASSERT_TRUE(next.hold(as_bytes("new")));
    EXPECT_EQ(next.replace().error().code, Code::file_failed);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 2)
      << "nothing is left beside";
}

TEST_F(FileTest, ANewFileOverwritesNothing) {
  ASSERT_TRUE(write_new_file(directory_ / "a", as_bytes("first"), 0600));
  std::filesystem::create_symlink("nowhere", directory_ / "link");
  for (const char* name : {"a", "link"}) {
    auto second = write_new_file(directory_ / name, as_bytes("second"), 0600);
    ASSERT_FALSE(second) << name;
    EXPECT_THAT(second.error().message, HasSubstr("not overwritten"));
  }
  EXPECT_EQ(content("a"), "first");
  EXPECT_EQ(names().size(), 2u);
}

TEST_F(FileTest, ANameThatIsTakenMeanwhileIsNotOverwritten) {
  auto reserved = NewFile::reserve(directory_ / "a", 0600, 4096);
  ASSERT_TRUE(reserved);
  std::ofstream(directory_ / "a") << "theirs";
  EXPECT_FALSE(reserved->write(as_bytes("ours")));
  EXPECT_EQ(content("a"), "theirs");
}

TEST_F(FileTest, WhatWasReservedAndNotWrittenIsGone) {
  {
    auto reserved = NewFile::reserve(directory_ / "a", 0600, 4096);
    ASSERT_TRUE(reserved);
    EXPECT_FALSE(std::filesystem::exists(directory_ / "a"));
    NewFile moved = *std::move(reserved);
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(FileTest, ReservedRoomIsNoPartOfTheFile) {
  auto reserved = NewFile::reserve(directory_ / "a", 0644, 4096);
  ASSERT_TRUE(reserved);
  ASSERT_TRUE(reserved->write(as_bytes("short")));
  EXPECT_EQ(content("a"), "short");
}

TEST_F(FileTest, AFullDiskLeavesWhatWasThere) {
  ASSERT_TRUE(write_new_file(directory_ / "a", as_bytes("before"), 0644));
  const std::string much(5000, 'x');
  {
    FileSizeLimit full(4096);
    EXPECT_FALSE(NewFile::reserve(directory_ / "b", 0644, much.size()));
    EXPECT_FALSE(write_new_file(directory_ / "c", as_bytes(much), 0644));
    EXPECT_FALSE(replace_file(directory_ / "a", as_bytes(much), 0644));
  }
  EXPECT_EQ(content("a"), "before");
  EXPECT_THAT(names(), ElementsAre("a"));
  ASSERT_TRUE(replace_file(directory_ / "a", as_bytes(much), 0644));
  EXPECT_EQ(read_file(directory_ / "a", 10'000).value(), much);
}

TEST_F(FileTest, ADirectoryThatIsMissingIsAnError) {
  EXPECT_EQ(write_new_file(directory_ / "none" / "a", as_bytes("x"), 0644).error().code,
            Code::file_failed);
}

}  // namespace
}  // namespace nae
