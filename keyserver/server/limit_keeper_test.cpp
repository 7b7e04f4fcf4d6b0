// Counts of long limits outlive a restart, and a store that fails for a while loses none.
#include "keyserver/server/limit_keeper.hpp"

#include <gtest/gtest.h>

#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::server {
namespace {

using policy::LimitBook;
using policy::LimitUse;

constexpr std::uint32_t kHour = 3600, kMinute = 60;

class LimitKeeperTest : public store::sqlite::StoreTest {
 protected:
  static LimitUse limit(std::uint64_t items, std::uint32_t window_seconds) {
    return policy::use_of({items, window_seconds, policy::LimitPer::rule}, "rule", {"db1", "", ""});
  }
  bool take(LimitBook& book, const LimitUse& use, std::uint64_t items) {
    return !book.take(std::span(&use, 1), items, clock_.steady_us());
  }

  std::unique_ptr<store::Store> store_ = create();
  std::int64_t now_us_ = 1'000'000'000'000;
  keys::TrustedTime clock_{{.wall_us = [this] { return now_us_; },
                            .boot_us = [this] { return now_us_; },
                            .boot_id = "boot"}};
  boost::asio::io_context loop_;
};

TEST_F(LimitKeeperTest, ALongLimitOutlivesARestartAndAShortOneDoesNot) {
  const LimitUse hour = limit(10, kHour), minute = limit(10, kMinute);
  {
    LimitBook book;
    LimitKeeper keeper(loop_, book, *store_, clock_);
    ASSERT_TRUE(keeper.load()) << "of a new store";
    ASSERT_TRUE(take(book, hour, 8));
    ASSERT_TRUE(take(book, minute, 8));
    keeper.save();
  }
  LimitBook book;
  LimitKeeper keeper(loop_, book, *store_, clock_);
  ASSERT_TRUE(keeper.load());
  EXPECT_FALSE(take(book, hour, 3));
  EXPECT_TRUE(take(book, hour, 2));
  EXPECT_TRUE(take(book, minute, 10));
}

TEST_F(LimitKeeperTest, WhatIsOverIsNotTakenUpAgain) {
  const LimitUse hour = limit(10, kHour);
  {
    LimitBook book;
    LimitKeeper keeper(loop_, book, *store_, clock_);
    ASSERT_TRUE(take(book, hour, 10));
    keeper.save();
  }
  now_us_ += std::int64_t{2} * kHour * 1'000'000;
  LimitBook book;
  LimitKeeper keeper(loop_, book, *store_, clock_);
  ASSERT_TRUE(keeper.load());
  EXPECT_TRUE(take(book, hour, 10));
}

TEST_F(LimitKeeperTest, SavesWhatChangedAndNothingTwice) {
  LimitBook book;
  LimitKeeper keeper(loop_, book, *store_, clock_);
  ASSERT_TRUE(take(book, limit(10, kHour), 1));
  keeper.save();
  EXPECT_EQ(store_->load_limits()->size(), 1u);
  tamper("DELETE FROM limit_counts");
  keeper.save();
  EXPECT_TRUE(store_->load_limits()->empty()) << "nothing has changed since";
  ASSERT_TRUE(take(book, limit(10, kHour), 1));
  keeper.save();
  EXPECT_EQ(store_->load_limits()->size(), 1u);
}

TEST_F(LimitKeeperTest, WhatAStoreRefusedIsSavedLater) {
  LimitBook book;
  LimitKeeper keeper(loop_, book, *store_, clock_);
  ASSERT_TRUE(take(book, limit(10, kHour), 7));
  tamper("ALTER TABLE limit_counts RENAME TO away");
  keeper.save();
  tamper("ALTER TABLE away RENAME TO limit_counts");
  EXPECT_TRUE(store_->load_limits()->empty());
  keeper.save();
  LimitBook restarted;
  LimitKeeper again(loop_, restarted, *store_, clock_);
  ASSERT_TRUE(again.load());
  EXPECT_FALSE(take(restarted, limit(10, kHour), 4));
  EXPECT_TRUE(take(restarted, limit(10, kHour), 3));
}

TEST_F(LimitKeeperTest, ADamagedCountIsNotStartedWith) {
  LimitBook book;
  LimitKeeper keeper(loop_, book, *store_, clock_);
  ASSERT_TRUE(take(book, limit(10, kHour), 1));
  keeper.save();
  tamper("UPDATE limit_counts SET counts = x'ffffffffffffffffff'");
  LimitBook restarted;
  EXPECT_EQ(LimitKeeper(loop_, restarted, *store_, clock_).load().error().code,
            Code::store_corrupt);
}

TEST_F(LimitKeeperTest, SavesByItself) {
  LimitBook book;
  LimitKeeper keeper(loop_, book, *store_, clock_);
  keeper.start();
  ASSERT_TRUE(take(book, limit(10, kHour), 1));
  for (int turn = 0; turn < 2; ++turn) loop_.run_one();  // each waits for its second
  EXPECT_EQ(store_->load_limits()->size(), 1u);
}

}  // namespace
}  // namespace nae::server
