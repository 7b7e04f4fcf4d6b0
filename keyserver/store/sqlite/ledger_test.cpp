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
