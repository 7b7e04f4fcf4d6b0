#include "keyserver/store/sqlite/store.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::store::sqlite {
namespace {

// --- refusals at the door

TEST_F(StoreTest, ASecondCreateIsRefusedAndHarmsNothing) {
  ASSERT_TRUE(create()->insert_key(make_key("kept")));
  auto again = Store::create(path_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::already_initialised);
  EXPECT_EQ(reopen()->load_keys()->size(), 1u);
}

TEST_F(StoreTest, CreateDoesNotFollowADanglingLink) {
  fs::create_symlink(directory_ / "elsewhere", path_);
  auto store = Store::create(path_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::already_initialised);
  EXPECT_FALSE(fs::exists(directory_ / "elsewhere"));
}

TEST_F(StoreTest, CreateWithoutItsDirectoryFails) {
  auto store = Store::create(directory_ / "missing" / "store.db");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::store_unavailable);
}

TEST_F(StoreTest, OpenWithoutAStoreFails) {
  EXPECT_EQ(open_failure(), Code::not_initialised);
}

TEST_F(StoreTest, RemainsOfAnInterruptedCreateAreReplaced) {
  std::ofstream(path_.string() + ".new") << "half a store";
  create();
  EXPECT_FALSE(fs::exists(path_.string() + ".new"));
  EXPECT_TRUE(reopen());
}

TEST_F(StoreTest, OnlyTheOwnerMayReadIt) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k")));
  for (const auto& entry : fs::directory_iterator(directory_)) {
    struct stat info {};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
  }
}

TEST_F(StoreTest, AFileThatIsNoDatabaseIsCorrupt) {
  std::ofstream(path_) << std::string(8192, 'x');
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, AnEmptyFileIsCorrupt) {
  std::ofstream{path_};
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, AForeignDatabaseIsCorrupt) {
  create();
  tamper("PRAGMA application_id = 7");
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, ADamagedPageIsFoundAtOpen) {
  {
    auto store = create();
    for (Byte i = 0; i < 200; ++i)
      ASSERT_TRUE(store->insert_key(make_key("key-" + std::to_string(i), i)));
  }
  auto pages = fs::file_size(path_) / 4096;
  ASSERT_GT(pages, 10u);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  for (std::uintmax_t page = 4; page < pages; ++page) {
    file.seekp(static_cast<std::streamoff>(page * 4096));
    file << std::string(64, '\xa5');
  }
  file.close();
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, ATruncatedFileIsCorrupt) {
  {
    auto store = create();
    for (Byte i = 0; i < 200; ++i)
      ASSERT_TRUE(store->insert_key(make_key("key-" + std::to_string(i), i)));
  }
  fs::resize_file(path_, fs::file_size(path_) / 2);
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, AVersionWithoutItsKeyIsCorrupt) {
  ASSERT_TRUE(create()->insert_key(make_key("k")));
  tamper("PRAGMA foreign_keys = OFF; DELETE FROM keys;");
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, ANewerSchemaIsRefusedUnchanged) {
  auto store = create();
  std::string newer = std::to_string(newest_schema() + 1);
  tamper(("PRAGMA user_version = " + newer).c_str());
  EXPECT_EQ(open_failure(), Code::store_version);
  EXPECT_EQ(store->check().error().code, Code::store_version);
  EXPECT_EQ((*Database::open(path_))->integer("PRAGMA user_version"), newest_schema() + 1);
}

TEST_F(StoreTest, AnEmptyStoreIsMigratedStepByStep) {
  create();
  EXPECT_EQ((*Database::open(path_))->integer("PRAGMA user_version"), newest_schema());
  EXPECT_EQ((*Database::open(path_))->integer("PRAGMA application_id"), kApplicationId);
}

// A file of the first release: its counts go on, and salts are counted from now on.
TEST_F(StoreTest, AStoreWithoutCountsOfSaltsIsMigrated) {
  {
    std::ofstream file(path_);
    auto opened = Database::open(path_);
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_TRUE(migrate(**opened, 1));
    ASSERT_TRUE((*opened)->run_script(R"(
INSERT INTO meta VALUES ('server_id', 'x');
INSERT INTO keys VALUES (x'010203040506', 'k', 1, 1, 1, '', '', '', '', 0, 0);
INSERT INTO versions VALUES (x'010203040506', 1, 2, 1, 1, x'00', '', x'');
INSERT INTO usage (key_id, number, uses, reserved_uses, reads, last_use_at_us, last_read_at_us)
  VALUES (x'010203040506', 1, 5, 100, 7, 1, 2);
)"));
  }
  auto store = reopen();
  keys::UsageCount count = store->open_usage()->at(0);
  EXPECT_EQ(count.uses, 5);
  EXPECT_EQ(count.reads, 7);
  EXPECT_EQ(count.salts, 0);
  count.salts = 9;
  ASSERT_TRUE(store->save_usage({count}, true));
  EXPECT_EQ(store->open_usage()->at(0).salts, 9) << "exact after a clean stop";
  EXPECT_EQ(store->open_usage()->at(0).salts, 9 + keys::kSaltsLostInCrash) << "never too few";
}

// Of a release where one name stood in the request's row.
TEST_F(StoreTest, ADecisionOfAnOlderStoreBecomesTheFirstOfItsList) {
  create_of_schema(7);
  const std::string text = ", 'key-destroy', 'key-state', 'PATCH', '/v1/keys/a', '', 'body', '" +
                           std::string(64, '1') + "', 'alice', '" + std::string(64, 'd') +
                           "', 10, 100, ";
  tamper(("INSERT INTO approvals (id, operation, action, method, target, content_type, body,"
          " digest, requested_by, fingerprint, requested_at_us, expires_at_us, state) VALUES"
          " ('1111111111111111'" +
          text + "1), ('2222222222222222'" + text + "1), ('3333333333333333'" + text +
          "1);"
          "UPDATE approvals SET state = 2, decided_by = 'bob', decided_at_us = 20"
          " WHERE id = '1111111111111111';"
          "UPDATE approvals SET state = 3, status = 200, answer = '{}', body = ''"
          " WHERE id = '1111111111111111';"
          "UPDATE approvals SET state = 5, decided_by = 'alice', decided_at_us = 21, body = ''"
          " WHERE id = '2222222222222222';")
             .c_str());
  auto store = reopen();
  ASSERT_TRUE(store);
  const Approval done = **store->find_approval("1111111111111111");
  EXPECT_EQ(done.state, ApprovalState::done);
  EXPECT_EQ(done.answer, "{}");
  EXPECT_EQ(done.decisions,
            (std::vector<Decision>{{"bob", Verdict::approved, std::string(64, '1'), 20}}));
  EXPECT_EQ((*store->find_approval("2222222222222222"))->decisions,
            (std::vector<Decision>{{"alice", Verdict::rejected, std::string(64, '1'), 21}}));
  const Approval waits = **store->find_approval("3333333333333333");
  EXPECT_EQ(waits.state, ApprovalState::waiting);
  EXPECT_EQ(waits.body, "body");
  EXPECT_TRUE(waits.decisions.empty());
  ASSERT_EQ(store->decide_approval(waits.id, {"bob", Verdict::approved, waits.digest, 30}, 1),
            ApprovalState::running)
      << "and goes on";
}

TEST_F(StoreTest, PoliciesAreNumberedHistory) {
  auto store = create();
  EXPECT_EQ(*store->latest(), std::nullopt);
  EXPECT_EQ(store->insert({77, "first", "alice", "", 1}), 1u);
  EXPECT_EQ(store->insert({0, "second", "bob", "why", 2}), 2u);
  store = nullptr;
  store = reopen();
  auto latest = store->latest();
  ASSERT_TRUE(latest && *latest);
  EXPECT_EQ((*latest)->number, 2u);
  EXPECT_EQ((*latest)->text, "second");
  EXPECT_EQ((*latest)->author, "bob");
  EXPECT_EQ((*latest)->comment, "why");
  EXPECT_EQ((*latest)->created_at_us, 2);
  auto history = store->history();
  ASSERT_EQ(history->size(), 2u);
  EXPECT_EQ(history->front().text, "first");
  auto database = *Database::open(path_);
  EXPECT_FALSE(database->execute("UPDATE policies SET text = 'x'"));
  EXPECT_FALSE(database->execute("DELETE FROM policies"));
}

// A file size limit stands for a full disk: SQLite meets a write that fails either way.
TEST_F(StoreTest, AFullDiskRefusesAndLeavesNothingHalfWritten) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("before", 1)));
  auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit full = old;
  full.rlim_cur = fs::file_size(path_.string() + "-wal") + 100;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  keys::Key large = make_key("large", 2);
  keys::Version version = make_version(1);
  version.material.wrapped = Bytes(20'000, 0x55);
  large.versions.replace(0, version);
  auto refused = store->insert_key(large);
  auto read = store->load_keys();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, ignored);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::store_unavailable) << refused.error().message;
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size(), 1u);
  EXPECT_TRUE(store->insert_key(large)) << "recovers without a restart";
  store = nullptr;
  EXPECT_EQ(reopen()->load_keys()->size(), 2u);
}

TEST_F(StoreTest, AnAnsweredChangeSurvivesKill) {
  create();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = Store::open(path_);
    for (int i = 0; store; ++i) {
      if (!(*store)->insert_key(make_key("key-" + std::to_string(i), static_cast<Byte>(i)))) break;
      Byte number = static_cast<Byte>(i);
      if (::write(ready[1], &number, 1) != 1) break;
    }
    ::_exit(1);
  }
  Byte answered = 0;
  while (answered < 20) ASSERT_EQ(::read(ready[0], &answered, 1), 1);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(ready[1]);
  while (::read(ready[0], &answered, 1) == 1) continue;
  ::close(ready[0]);
  auto store = reopen();
  ASSERT_TRUE(store);
  EXPECT_GE(store->load_keys()->size(), answered + 1u);
}

}  // namespace
}  // namespace nae::store::sqlite
