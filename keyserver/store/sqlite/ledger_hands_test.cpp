// What a hand does to rows, changes and snapshots is found and named.
#include <gmock/gmock.h>

#include "keyserver/store/sql/ledger_table.hpp"
#include "keyserver/store/sqlite/test_ledger.hpp"
#include "libnae/base/text.hpp"

namespace nae::store::sqlite {
namespace {

using sql::LedgerTable;
using ::testing::HasSubstr;

TEST_F(LedgerTest, EachFlippedByteIsFound) {
  auto store = filled();
  const std::uint64_t newest = store->ledger_head().epoch;
  store.reset();
  auto database = std::move(*Database::open(path_));
  std::size_t flipped = 0;
  for (const std::string& table : {std::string("ledger"), std::string("ledger_snapshots")})
    for (std::uint64_t epoch = 1; epoch <= newest; ++epoch)
      for (const std::string& column : {std::string("bytes"), std::string("mac")}) {
        const auto number = static_cast<std::int64_t>(epoch);
        Bytes bytes;
        {
          auto row =
              database->query("SELECT " + column + " FROM " + table + " WHERE epoch = ?1", number);
          if (!*row->step()) continue;
          bytes = row->blob(0);
        }
        const auto update = [&](const Bytes& value) {
          tamper_freely("UPDATE " + table + " SET " + column + " = x'" + to_hex(value) +
                        "' WHERE epoch = " + std::to_string(epoch));
        };
        for (std::size_t at = 0; at < bytes.size(); ++at) {
          Bytes bent = bytes;
          bent[at] ^= 1;
          update(bent);
          LedgerTable reader(*database);
          auto report = reader.open(settings());
          // The change that a snapshot is of is compared by its hash alone.
          if (report && column == "mac" && epoch == 1) report = reader.verify();
          ASSERT_FALSE(report) << table << ' ' << epoch << ' ' << column << ' ' << at;
          ASSERT_EQ(report.error().code, Code::store_corrupt);
          ASSERT_THAT(report.error().message, HasSubstr("of the ledger"));
          ++flipped;
        }
        update(bytes);
      }
  EXPECT_GT(flipped, 1'500u);
  EXPECT_TRUE(LedgerTable(*database).open(settings())) << "and whole again it is taken";
}

// The server would read back, and sign, what a trigger has added to its own write.
TEST_F(LedgerTest, WhatAHandPlantsInTheSchemaIsNamed) {
  filled().reset();
  const fs::path whole = directory_ / "whole";
  copy_to(whole);
  const std::pair<std::string, std::string> hands[] = {
      {"CREATE TRIGGER planted AFTER INSERT ON admin_certificates BEGIN"
       " INSERT OR IGNORE INTO admin_roles VALUES (new.admin, 'key-admin'); END",
       "trigger planted"},
      {"DROP TRIGGER decisions_stay", "trigger decisions_stay"},
      {"CREATE VIEW planted AS SELECT 1", "view planted"},
      {"CREATE TABLE planted (x)", "table planted"},
      {"ALTER TABLE admins ADD COLUMN planted TEXT", "table admins"},
      {"CREATE INDEX planted ON admins (created_at_us)", "index planted"},
  };
  for (const auto& [hand, said] : hands) {
    fs::copy_file(whole, path_, fs::copy_options::overwrite_existing);
    tamper_freely(hand);
    EXPECT_THAT(start(), HasSubstr(said)) << hand;
    EXPECT_THAT(start(), HasSubstr("store_corrupt")) << hand;
  }
}

TEST_F(LedgerTest, ATriggerThatIsPlantedWhileTheServerRunsSignsNothing) {
  auto store = filled();
  tamper_freely(
      "CREATE TRIGGER planted AFTER INSERT ON admin_certificates BEGIN"
      " INSERT OR IGNORE INTO admin_roles VALUES (new.admin, 'key-admin'); END");
  const Admin alice = admin_named("alice", {"auditor"}, 'a');
  auto done = store->insert_admin_certificate(alice, {std::string(64, '9'), "0c", 5, 2'000});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::store_corrupt);
  EXPECT_EQ(store->ledger_head().epoch, 13u);
  EXPECT_EQ((*store->find_admin("alice"))->roles, std::vector<std::string>{"auditor"});
}

}  // namespace
}  // namespace nae::store::sqlite
