// The ledger of a store: every write is a change, whole or not there.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include "keyserver/store/acting.hpp"
#include "keyserver/store/sqlite/test_ledger.hpp"

namespace nae::store::sqlite {
namespace {

using ::testing::HasSubstr;

TEST_F(LedgerTest, EveryWriteIsAChange) {
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

TEST_F(LedgerTest, AStoreWithALedgerIsWrittenByWhoHasItsKey) {
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

// One hand after another in the tables, each refused, and its row named.
// Each byte of every change and of the snapshot.
// A row as it was before, of which the ledger has a true change.
// A server reads who may do what at every call, and does not make a hand's row its own by writing.
TEST_F(LedgerTest, SnapshotsShortenTheWay) {
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
  tamper_freely("UPDATE ledger SET bytes = CAST(bytes || x'00' AS BLOB) WHERE epoch = 17");
  again = reopen();
  ASSERT_TRUE(again->open_ledger(settings())) << "what a snapshot covers is not read at a start";
  EXPECT_THAT(again->verify_ledger().error().message, HasSubstr("change 17 of the ledger is not"));
}

TEST_F(LedgerTest, AnOlderStoreIsAdoptedOnce) {
  create_of_schema(6);
  auto store = reopen();
  EXPECT_FALSE(*store->has_ledger());
  EXPECT_EQ(store->open_ledger(settings()).error().code, Code::store_corrupt);
  auto report = store->begin_ledger(settings());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->rows, 6u);
  ASSERT_TRUE(store->insert_key(make_key("new", 7)));
  store.reset();
  EXPECT_EQ(start(), "");
  // A crash before the HSM knows that there is one: it is begun anew.
  store = reopen();
  ASSERT_TRUE(store->begin_ledger(settings()));
  EXPECT_EQ(store->ledger_head().epoch, 1u);
  store.reset();
  EXPECT_EQ(start(), "");
}

TEST_F(LedgerTest, ManyRowsAreAdoptedInSeveralChanges) {
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
TEST_F(LedgerTest, WhatAnotherProcessWroteIsReadBack) {
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

TEST_F(LedgerTest, AStoreThatGoesBackUnderARunningServerIsRefused) {
  auto store = filled();
  tamper_freely("DELETE FROM ledger WHERE epoch = 13");
  EXPECT_EQ(store->set_meta("more", "x").error().code, Code::store_rolled_back);
  EXPECT_EQ(store->ledger_head().epoch, 13u);
}

TEST_F(LedgerTest, ADestroyedSecretIsNotInTheLedger) {
  auto store = filled();
  const KeyVersionId first{make_key("first").id, 1};
  EXPECT_TRUE(files_contain("wrapped-material"));
  ASSERT_TRUE(store->set_state(first, keys::State::destroyed, 50, {}));
  ASSERT_TRUE(store->set_state({make_key("other", 9).id, 1}, keys::State::destroyed, 50, {}));
  EXPECT_FALSE(files_contain("wrapped-material"));
}

// A file size limit stands for a full disk: SQLite meets a write that fails either way.
TEST_F(LedgerTest, AFullDiskLeavesNeitherRowNorChange) {
  auto store = filled();
  const LedgerPoint before = store->ledger_head();
  auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit full = old;
  const std::uintmax_t used = fs::file_size(path_.string() + "-wal");
  std::size_t refused = 0;
  // The disk ends after each page of what a change writes.
  for (std::uintmax_t room = 100; room < 60'000; room += 4'120) {
    full.rlim_cur = used + room;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
    auto done = store->insert({0, std::string(20'000, 'x'), "alice", "", 10});
    const LedgerPoint head = store->ledger_head();
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
    if (done) break;
    ++refused;
    ASSERT_EQ(done.error().code, Code::store_unavailable) << done.error().message;
    ASSERT_EQ(head, before) << room;
    ASSERT_EQ(store->history()->size(), 1u) << room;
  }
  std::signal(SIGXFSZ, ignored);
  EXPECT_GT(refused, 3u);
  ASSERT_TRUE(store->set_meta("more", "x")) << "recovers without a restart";
  store = nullptr;
  EXPECT_EQ(start(), "");
}

// Killed at any moment of a change, the row and its change are there both or not at all.
TEST_F(LedgerTest, AKilledWriterLeavesAWholeLedger) {
  auto store = create();
  ASSERT_TRUE(store->begin_ledger(settings()));
  ASSERT_TRUE(store->insert_key(make_key("k")));
  store = nullptr;
  std::uint64_t reached = 0;
  for (int round = 0; round < 12; ++round) {
    int written[2];
    ASSERT_EQ(::pipe(written), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto writer = Store::open(path_);
      if (!writer || !(*writer)->open_ledger(settings())) ::_exit(1);
      for (int i = 0;; ++i)
        if (!(*writer)->set_schedule({make_key("k").id, 1}, {{keys::State::retired, 1 + i, 0}}) ||
            ::write(written[1], "", 1) != 1)
          ::_exit(2);
    }
    Byte one = 0;
    for (int i = 0; i < 3 + round; ++i) ASSERT_EQ(::read(written[0], &one, 1), 1);
    ASSERT_EQ(::kill(child, SIGKILL), 0);  // in the middle of the next one
    for (int end : written) ::close(end);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it wrote until it was killed: " << WEXITSTATUS(status);
    auto report = opened();
    ASSERT_TRUE(report) << report.error().message;
    reached = report->head.epoch;
  }
  EXPECT_GT(reached, 20u);
}

}  // namespace
}  // namespace nae::store::sqlite
