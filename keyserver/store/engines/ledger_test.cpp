// The ledger of a store: every write is a change, whole or not there.
#include <gmock/gmock.h>

#include "keyserver/store/acting.hpp"
#include "keyserver/store/engines/test_engine.hpp"
#include "keyserver/store/sql/ledger_table.hpp"

namespace nae::store {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kPage = sql::kLedgerPage;

TEST_P(EngineLedgerTest, EveryWriteIsAChange) {
  auto store = create();
  EXPECT_FALSE(*store->has_ledger());
  ASSERT_TRUE(store->set_meta("server_id", "one"));
  ASSERT_TRUE(store->begin_ledger(settings()));
  EXPECT_TRUE(*store->has_ledger());
  EXPECT_EQ(store->ledger_head().epoch, 1u) << "what was there is the first change";
  {
    const Acting acting("alice");
    ASSERT_TRUE(store->insert_key(make_key("first")));
  }
  ASSERT_TRUE(store->set_state({make_key("first").id, 1}, keys::State::restricted, 50, {}));
  ASSERT_TRUE(store->set_state({make_key("first").id, 1}, keys::State::restricted, 60, {}));
  ASSERT_TRUE(store->expire_approvals(1'000));
  EXPECT_EQ(store->ledger_head().epoch, 3u) << "what changes nothing is no change";
  EXPECT_EQ(store->insert_key(make_key("first", 2)).error().code, Code::key_exists);
  EXPECT_EQ(store->ledger_head().epoch, 3u) << "nor is what is refused";
  const std::vector<Change> changes = store->changes_after(1, 10).value();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].kind, ChangeKind::key_created);
  EXPECT_EQ(changes[0].admin, "alice");
  EXPECT_EQ(changes[0].node, "node-1");
  EXPECT_EQ(changes[0].time_us, 1'000);
  EXPECT_EQ(changes[0].items.size(), 2u) << "the key and its version";
  EXPECT_EQ(changes[1].kind, ChangeKind::version_state);
  EXPECT_EQ(changes[1].admin, "");
  EXPECT_EQ(store->ledger_head().hash, hash_of(encode(changes[1])));
  EXPECT_EQ(*store->change_hash(3), store->ledger_head().hash);
  EXPECT_EQ(*store->change_hash(4), std::nullopt);
  EXPECT_EQ(store->changes_after(0, 1)->front().kind, ChangeKind::adopted);
}

// At the page, one short of it and one past it.
TEST_P(EngineLedgerTest, ALongLedgerIsReadPageByPage) {
  auto writer = create();
  ASSERT_TRUE(writer->begin_ledger(settings()));
  const auto write = [&](std::uint64_t until) {
    while (writer->ledger_head().epoch < until)
      ASSERT_TRUE(writer->set_meta("fact-" + std::to_string(writer->ledger_head().epoch), "x"));
  };
  for (const std::uint64_t epoch : {kPage - 1, kPage, kPage + 1}) {
    write(epoch);
    EXPECT_EQ(writer->verify_ledger()->changes, epoch);
  }
  write(2 * kPage + 2);
  EXPECT_EQ(writer->verify_ledger()->changes, 2 * kPage + 2);
}

TEST_P(EngineLedgerTest, AStoreWithALedgerIsWrittenByWhoHasItsKey) {
  filled().reset();
  {
    auto store = reopen();
    EXPECT_EQ(store->set_meta("x", "y").error().code, Code::conflict);
    EXPECT_EQ(store->remove_device("db1", 50).error().code, Code::conflict);
    EXPECT_EQ(store->open_ledger(settings(8)).error().code, Code::store_corrupt);
    EXPECT_EQ(store->set_meta("x", "y").error().code, Code::conflict);
  }
  auto store = reopen();
  auto report = store->open_ledger(settings());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->rows, 12u);
  EXPECT_EQ(report->head.epoch, 13u);
  EXPECT_EQ(report->changes, 12u) << "those after the snapshot of the first one";
  EXPECT_EQ(store->verify_ledger()->changes, 13u);
}

TEST_P(EngineLedgerTest, SnapshotsShortenTheWay) {
  auto store = create();
  ASSERT_TRUE(store->begin_ledger(settings()));
  const keys::Key key = make_key("k");
  ASSERT_TRUE(store->insert_key(key));
  for (int i = 0; i < 1'500; ++i)
    ASSERT_TRUE(store->set_schedule({key.id, 1}, {{keys::State::retired, 5'000 + i, 0}}));
  store.reset();
  auto again = reopen();
  auto report = again->open_ledger(settings());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->snapshot_epoch, 1'001u) << "the first one was made at the beginning, at 1";
  EXPECT_EQ(report->changes, 501u);
  EXPECT_EQ(report->head.epoch, 1'502u);
  auto whole = again->verify_ledger();
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->changes, 1'502u);
  again.reset();
  tamper("UPDATE ledger SET bytes = x'00' WHERE epoch = 17");
  again = reopen();
  ASSERT_TRUE(again->open_ledger(settings())) << "what a snapshot covers is not read at a start";
  EXPECT_THAT(again->verify_ledger().error().message, HasSubstr("change 17 of the ledger is not"));
}

TEST_P(EngineLedgerTest, ManyRowsAreAdoptedInSeveralChanges) {
  auto store = create();
  for (int i = 0; i < 600; ++i) {
    keys::Key key = make_key("k" + std::to_string(i), static_cast<Byte>(i % 256));
    key.id.bytes[1] = static_cast<Byte>(i / 256);
    ASSERT_TRUE(store->insert_key(key));
  }
  auto report = store->begin_ledger(settings());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->rows, 1'200u);
  EXPECT_EQ(report->head.epoch, 2u);
  store.reset();
  EXPECT_EQ(start(), "");
}

// Another process with the key wrote meanwhile: its changes are taken up before the next one.
TEST_P(EngineLedgerTest, WhatAnotherProcessWroteIsReadBack) {
  auto store = filled();
  {
    auto other = reopen();
    ASSERT_TRUE(other->open_ledger(settings()));
    ASSERT_TRUE(other->set_meta("more", "x"));
  }
  ASSERT_TRUE(store->set_meta("again", "y"));
  EXPECT_EQ(store->ledger_head().epoch, 15u);
  store.reset();
  EXPECT_EQ(start(), "");
}

TEST_P(EngineLedgerTest, AStoreThatGoesBackUnderARunningServerIsRefused) {
  auto store = filled();
  tamper("DELETE FROM ledger WHERE epoch = 13");
  EXPECT_EQ(store->set_meta("more", "x").error().code, Code::store_rolled_back);
  EXPECT_EQ(store->ledger_head().epoch, 13u);
}

NAE_IN_EVERY_ENGINE(EngineLedgerTest);

}  // namespace
}  // namespace nae::store
