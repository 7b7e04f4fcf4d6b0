#include "keyserver/group/seen_file.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <algorithm>

#include "libnae/base/file.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::group {
namespace {

namespace fs = std::filesystem;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

store::LedgerKey key_of(Byte byte) {
  crypto::SecretBytes secret(32);
  std::ranges::fill(secret.expose_for_writing(), byte);
  return store::LedgerKey(secret);
}

class SeenFileTest : public ::testing::Test {
 protected:
  SeenFileTest() {
    char name[] = "/tmp/nae-seen-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~SeenFileTest() override { fs::remove_all(directory_); }
  Code refusal() {
    const auto read = read_seen(file_, key_);
    return read ? Code::internal : read.error().code;
  }

  fs::path directory_, file_ = fs::path();
  store::LedgerKey key_ = key_of(1);
  void SetUp() override { file_ = directory_ / kSeenFile; }
};

TEST_F(SeenFileTest, WhatWasWrittenIsReadAndTheNewestStands) {
  EXPECT_EQ(read_seen(file_, key_).value(), std::nullopt) << "there is none yet";
  store::LedgerPoint point{7, {}};
  point.hash.fill(0xAB);
  ASSERT_TRUE(write_seen(file_, point, key_));
  EXPECT_EQ(read_seen(file_, key_).value(), point);
  point.epoch = 123'456'789'012;
  ASSERT_TRUE(write_seen(file_, point, key_));
  EXPECT_EQ(read_seen(file_, key_).value(), point);
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(SeenFileTest, EachByteOfItCounts) {
  ASSERT_TRUE(write_seen(file_, {7, {}}, key_));
  const std::string whole = read_file(file_, 4096).value();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    ASSERT_TRUE(replace_file(file_, as_bytes(changed), 0600));
    EXPECT_EQ(refusal(), Code::file_failed) << "byte " << i;
    ASSERT_TRUE(replace_file(file_, as_bytes(whole.substr(0, i)), 0600));
    EXPECT_EQ(refusal(), Code::file_failed) << "cut at " << i;
  }
  ASSERT_TRUE(replace_file(file_, as_bytes(whole + "\n"), 0600));
  EXPECT_EQ(refusal(), Code::file_failed);
}

TEST_F(SeenFileTest, OneOfAnotherGroupIsNotBelieved) {
  ASSERT_TRUE(write_seen(file_, {7, {}}, key_of(2)));
  EXPECT_EQ(refusal(), Code::file_failed);
}

}  // namespace
}  // namespace nae::group
