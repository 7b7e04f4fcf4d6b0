#include "keyserver/group/store_watch.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <algorithm>

#include "keyserver/group/seen_file.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::group {
namespace {

namespace fs = std::filesystem;
using store::LedgerPoint;
using store::StoreSight;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class StoreWatchTest : public ::testing::Test {
 protected:
  StoreWatchTest() {
    char name[] = "/tmp/nae-watch-XXXXXX";
    directory_ = ::mkdtemp(name);
    crypto::SecretBytes secret(32);
    std::ranges::fill(secret.expose_for_writing(), Byte{1});
    key_ = std::make_shared<const store::LedgerKey>(secret);
    EXPECT_TRUE(watch_.remember(directory_ / kSeenFile, key_));
  }
  ~StoreWatchTest() override { fs::remove_all(directory_); }

  static Bytes change(std::uint64_t epoch, const std::string& node = "ks1") {
    store::Change change;
    change.epoch = epoch;
    change.kind = store::ChangeKind::rollback_accepted;
    change.node = node;
    return store::encode(change);
  }
  // What a store says whose newest change is `bytes`, asked for what the watch knows.
  StoreSight sight(std::uint64_t newest, const Bytes& bytes,
                   std::optional<store::LedgerHash> there) {
    StoreSight sight;
    sight.newest = newest;
    sight.bytes = bytes;
    const auto mac = key_->mac(bytes);
    sight.mac.assign(mac.begin(), mac.end());
    sight.asked = watch_.known().epoch;
    sight.there = there;
    return sight;
  }
  void see(std::uint64_t epoch) {
    const LedgerPoint before = watch_.known();
    watch_.look(
        sight(epoch, change(epoch), before.epoch == 0 ? std::nullopt : std::optional(before.hash)));
  }

  fs::path directory_;
  std::shared_ptr<const store::LedgerKey> key_;
  StoreWatch watch_{true};
};

TEST_F(StoreWatchTest, WhatWasSeenIsRememberedByTheNextStart) {
  see(7);
  EXPECT_EQ(watch_.known(), (LedgerPoint{7, store::hash_of(change(7))}));
  ASSERT_TRUE(watch_.save());
  see(8);
  StoreWatch next(true);
  ASSERT_TRUE(next.remember(directory_ / kSeenFile, key_));
  EXPECT_EQ(next.known().epoch, 7u) << "what was not saved yet is not there";
}

TEST_F(StoreWatchTest, WhatAFailoverMayForgetIsComparedAndNotRemembered) {
  see(7);
  watch_.compare(sight(8, change(8), watch_.known().hash));
  EXPECT_EQ(watch_.known().epoch, 7u);
  EXPECT_TRUE(watch_.is_whole());
  watch_.compare(sight(5, change(5), std::nullopt));
  EXPECT_EQ(watch_.is_whole().error().code, Code::store_rolled_back);
}

TEST_F(StoreWatchTest, WhatNoKeyServerWroteIsNotRemembered) {
  see(7);
  auto forged = sight(9, change(9), watch_.known().hash);
  forged.mac[0] ^= 1;
  watch_.look(forged);
  EXPECT_EQ(watch_.known().epoch, 7u);
  watch_.look(sight(9, change(8), watch_.known().hash));
  EXPECT_EQ(watch_.known().epoch, 7u) << "a change in the place of another one";
  EXPECT_TRUE(watch_.is_whole()) << "it has what is known";
}

TEST_F(StoreWatchTest, AStoreThatLostAChangeOrHasAnotherOneWentBack) {
  see(7);
  watch_.look(sight(5, change(5), std::nullopt));
  ASSERT_FALSE(watch_.is_whole());
  EXPECT_EQ(watch_.is_whole().error().code, Code::store_rolled_back);
  EXPECT_THAT(watch_.is_whole().error().message, ::testing::HasSubstr("lost change 7"));
  EXPECT_EQ(watch_.may_change(true).error().code, Code::store_rolled_back);
  watch_.look(sight(9, change(9, "ks2"), store::hash_of(change(7, "ks2"))));
  ASSERT_FALSE(watch_.is_whole());
  EXPECT_THAT(watch_.is_whole().error().message, ::testing::HasSubstr("another change 7"));
  EXPECT_EQ(watch_.known().epoch, 7u) << "what follows is another history";
  watch_.look(sight(9, change(9), watch_.known().hash));
  EXPECT_TRUE(watch_.is_whole()) << "the newest was brought back";
  EXPECT_TRUE(watch_.may_change(true));
}

TEST_F(StoreWatchTest, AnAnswerAboutAnOlderQuestionSaysNothing) {
  see(7);
  auto late = sight(7, {}, std::nullopt);
  late.asked = 6;
  watch_.look(late);
  EXPECT_TRUE(watch_.is_whole());
}

TEST_F(StoreWatchTest, AStoreThatForgetsAtAFailoverTakesNoChanges) {
  auto asynchronous = sight(0, {}, std::nullopt);
  asynchronous.synchronous = false;
  watch_.look(asynchronous);
  EXPECT_FALSE(watch_.is_synchronous());
  EXPECT_EQ(watch_.may_change(false).error().code, Code::store_unavailable);
  EXPECT_TRUE(watch_.may_change(true)) << "as it is now, not as it was";
  StoreWatch told_otherwise(false);
  told_otherwise.look(asynchronous);
  EXPECT_TRUE(told_otherwise.is_synchronous());
  EXPECT_TRUE(told_otherwise.may_change(false));
}

}  // namespace
}  // namespace nae::group
