#include "keyserver/setup/move_store.hpp"

#include "keyserver/store/engines/test_engine.hpp"

namespace nae::setup {
namespace {

class MoveStoreTest : public store::sqlite::LedgerTest {
 protected:
  std::int64_t rows(const std::string& table) {
    auto database = store::sqlite::Database::open(path_);
    return (*database)->integer("SELECT count(*) FROM " + table).value();
  }
  // Of SQLite's own catalog: a table that is added needs no word here to be missed.
  std::vector<std::string> tables() {
    auto database = store::sqlite::Database::open(path_);
    auto names = (*database)->query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%'"
        " ESCAPE '!' AND name <> 'migrations' ORDER BY name");
    std::vector<std::string> found;
    while (*names->step()) found.push_back(names->text(0));
    return found;
  }
  void fill_every_table() {
    const auto store = filled();
    const keys::Key key = store->load_keys()->front();
    EXPECT_TRUE(store->set_certificates({key.id, 1}, store::bytes_of("chain")));
    EXPECT_TRUE(store->open_usage());
    keys::UsageCount count;
    count.id = {key.id, 1};
    count.uses = count.reserved_uses = 7;
    EXPECT_TRUE(store->save_usage({count}, true));
    EXPECT_TRUE(store->keep_head({3, {}}));
    EXPECT_TRUE(store->keep_time({1, 2, 3, "boot", false}));
    tamper_freely(
        "INSERT INTO limit_counts (counter, device, invented, window_seconds, counts,"
        " expires_at_us) VALUES ('c', 'db1', 0, 60, zeroblob(8), 5);"
        "INSERT OR IGNORE INTO ledger_snapshots (epoch, bytes, mac)"
        " VALUES (1, zeroblob(1), zeroblob(32))");
  }
  store::PostgresqlEngine postgresql_;
};

TEST_F(MoveStoreTest, TakesEveryRowOfEveryTable) {
  fill_every_table();
  const auto moved = move_store(path_, postgresql_.target(), "ks1");
  ASSERT_TRUE(moved) << moved.error().message;
  const auto there = store::postgresql::Database::open(postgresql_.target());
  ASSERT_TRUE(there) << there.error().message;
  const std::vector<std::string> all = tables();
  EXPECT_GT(all.size(), 15u);
  for (const std::string& table : all) {
    EXPECT_GT(rows(table), 0) << table << ": a row of it is to be moved here";
    EXPECT_EQ(*(*there)->integer("SELECT count(*) FROM " + table), rows(table)) << table;
  }
  auto store = postgresql_.open();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->load_keys()->front().versions.front().certificates, store::bytes_of("chain"));
}

TEST_F(MoveStoreTest, WhatTheNewOneCannotTakeIsNotHalfMoved) {
  fill_every_table();
  tamper_freely("CREATE TABLE extra (x); ALTER TABLE meta RENAME COLUMN value TO other");
  EXPECT_FALSE(move_store(path_, postgresql_.target(), "ks1"));
  EXPECT_TRUE(store::postgresql::check_empty(postgresql_.target())) << "nothing of it is left";
}

}  // namespace
}  // namespace nae::setup
