#include "libnae/base/written_beside.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>

#include "libnae/base/file.hpp"
#include "libnae/base/streamed_file.hpp"

namespace nae {
namespace {

namespace fs = std::filesystem;
using testing::UnorderedElementsAre;

// As a file system that keeps no locks: of this process, for good, the kernel refuses flock().
bool refuse_locks() {
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_flock, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOLCK),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(rules), rules};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

class WrittenBesideTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "nae-beside-XXXXXX").string();
    ASSERT_TRUE(::mkdtemp(name.data()));
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(directory_))
      all.push_back(entry.path().filename().string());
    return all;
  }
  void put(const char* name) const { std::ofstream(directory_ / name) << "a part"; }

  fs::path directory_;
};

// A real kill: of a process that has reserved the name, and held what it is to have.
TEST_F(WrittenBesideTest, WhatAKilledWriterLeftGoesWithTheNextOne) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto next = NewFile::reserve(directory_ / "a", 0600);
    const bool held = next && next->hold(as_bytes("half of a change"));
    (void)!::write(told[1], held ? "y" : "n", 1);
    ::pause();
    ::_exit(0);
  }
  char held = 'n';
  ASSERT_EQ(::read(told[0], &held, 1), 1);
  ::close(told[0]);
  ::close(told[1]);
  const std::string left = name_beside(directory_ / "a", child, 0).filename().string();
  EXPECT_EQ(held, 'y');
  EXPECT_THAT(names(), UnorderedElementsAre(left));
  ASSERT_TRUE(replace_file(directory_ / "a", as_bytes("of another"), 0600));
  EXPECT_THAT(names(), UnorderedElementsAre("a", left)) << "its writer lives";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_TRUE(replace_file(directory_ / "a", as_bytes("whole"), 0600));
  EXPECT_THAT(names(), UnorderedElementsAre("a"));
  EXPECT_EQ(read_file(directory_ / "a", 100).value(), "whole");
}

TEST_F(WrittenBesideTest, TwoOfOneProcessAreKeptApart) {
  auto first = NewFile::reserve(directory_ / "a", 0600).value();
  auto second = NewFile::reserve(directory_ / "a", 0600).value();
  ASSERT_TRUE(second.replace(as_bytes("second")));
  ASSERT_TRUE(first.replace(as_bytes("first")));
  EXPECT_EQ(read_file(directory_ / "a", 100).value(), "first");
  EXPECT_THAT(names(), UnorderedElementsAre("a"));
}

// Without locks nobody knows whether a file is left or is being written.
TEST_F(WrittenBesideTest, WithoutLocksNothingIsRemovedAndFilesAreWrittenAllTheSame) {
  put(".a.12-0.new");
  put(".s.part");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (!refuse_locks()) ::_exit(2);
    remove_left_beside(directory_ / "a");
    if (!replace_file(directory_ / "a", as_bytes("whole"), 0600)) ::_exit(3);
    const auto streamed = StreamedFile::create(directory_ / "s", 0600);
    if (streamed || !streamed.error().hint.ends_with(".s.part by hand.")) ::_exit(4);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_THAT(names(), UnorderedElementsAre("a", ".a.12-0.new", ".s.part"));
  ASSERT_TRUE(replace_file(directory_ / "a", as_bytes("whole"), 0600));
  ASSERT_TRUE(StreamedFile::create(directory_ / "s", 0600));
  EXPECT_THAT(names(), UnorderedElementsAre("a")) << "with locks it is known that they are left";
}

// What another puts under the other name never gets the name.
TEST_F(WrittenBesideTest, WhatAnotherPutThereIsNotRenamed) {
  ASSERT_TRUE(write_new_file(directory_ / "a", as_bytes("of before"), 0600));
  for (const bool replaces : {true, false}) {
    const fs::path file = directory_ / (replaces ? "a" : "b");
    auto next = NewFile::reserve(file, 0600).value();
    const fs::path own = name_beside(file, ::getpid(), 0);
    ASSERT_TRUE(next.hold(as_bytes("mine")));
    fs::remove(own);
    put(own.filename().c_str());
    const auto refused = replaces ? next.replace() : next.write(as_bytes("mine"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::file_failed);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("another has written " + own.string()));
    EXPECT_TRUE(fs::exists(own)) << "nor is it removed";
    fs::remove(own);
  }
  EXPECT_EQ(read_file(directory_ / "a", 100).value(), "of before");
  EXPECT_FALSE(fs::exists(directory_ / "b"));
}

TEST_F(WrittenBesideTest, FilesOfOtherNamesStay) {
  const char* others[] = {".b.12-0.new", ".a.12-0.part", ".a.12.new",
                          ".a.-0.new",   ".a.x12-0.new", ".a.12-.new",
                          "a.12-0.new",  ".a.new",       ".a.b.12-0.new"};
  for (const char* name : others) put(name);
  put(".a.12-0.new");
  put(".a.4194304-15.new");
  remove_left_beside(directory_ / "a");
  EXPECT_EQ(names().size(), std::size(others));
  for (const char* name : others) EXPECT_TRUE(fs::exists(directory_ / name)) << name;
}

TEST_F(WrittenBesideTest, WhatIsNoFileStays) {
  put("precious");
  fs::create_symlink(directory_ / "precious", directory_ / ".a.12-0.new");
  fs::create_directory(directory_ / ".a.12-1.new");
  ASSERT_EQ(::mkfifo((directory_ / ".a.12-2.new").c_str(), 0600), 0);
  remove_left_beside(directory_ / "a");
  EXPECT_EQ(names().size(), 4u);
  EXPECT_EQ(read_file(directory_ / "precious", 100).value(), "a part");
  remove_left_beside(directory_ / "none/a");
}

}  // namespace
}  // namespace nae
