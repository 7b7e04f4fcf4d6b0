// What a hand does to rows, changes and snapshots is found and named.
#include <gmock/gmock.h>

#include "keyserver/store/engines/test_engine.hpp"
#include "libnae/base/text.hpp"

namespace nae::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_P(EngineLedgerTest, RowsThatAHandWroteAreNamed) {
  filled().reset();
  save();
  ASSERT_EQ(start(), "");
  const std::string digest(64, 'c');
  const std::pair<std::string, std::string> hands[] = {
      // edited
      {"UPDATE meta SET value = 'two'", "fact server_id is not as change 2"},
      {"UPDATE keys SET type = 24 WHERE name = 'other'", "key 090203040506 is not as change 6"},
      {"UPDATE keys SET name = 'third' WHERE name = 'other'", "key 090203040506 is not"},
      {"UPDATE keys SET protection = 2 WHERE name = 'other'", "key 090203040506 is not"},
      {"UPDATE keys SET actions = 'decrypt' WHERE name = 'other'", "key 090203040506 is not"},
      {"UPDATE keys SET owner = 'x' WHERE name = 'other'", "key 090203040506 is not"},
      {"UPDATE keys SET rotate_after_uses = 1 WHERE name = 'other'", "key 090203040506 is not"},
      {"UPDATE key_labels SET value = 'x' WHERE name = 'team'",
       "key 010203040506 is not as change 3"},
      {"DELETE FROM key_labels WHERE name = 'team'", "key 010203040506 is not"},
      {"UPDATE versions SET state = 3 WHERE number = 2",
       "version 2 of key 010203040506 is not as change 4"},
      {"UPDATE versions SET wrapped = x'00' WHERE number = 2",
       "version 2 of key 010203040506 is not"},
      {"UPDATE versions SET public_key = x'00' WHERE number = 2", "version 2 of key 010203040506"},
      {"UPDATE versions SET token_object = 'nae-group-audit' WHERE number = 2", "version 2 of key"},
      {"UPDATE versions SET origin = 1 WHERE number = 2", "version 2 of key 010203040506"},
      {"UPDATE versions SET binding = x'00' WHERE number = 2", "version 2 of key 010203040506"},
      {"UPDATE versions SET changed_at_us = 9 WHERE number = 2", "version 2 of key 010203040506"},
      {"UPDATE schedule SET at_us = 4999", "version 1 of key 010203040506 is not as change 5"},
      {"UPDATE policies SET text = '[[rule]] '", "policy version 1 is not as change 7"},
      {"UPDATE policies SET author = 'bob'", "policy version 1 is not"},
      {"UPDATE devices SET name = 'db9' WHERE name = 'db1'", "device certificate dddd"},
      {"UPDATE devices SET key_sha256 = '" + digest + "' WHERE name = 'db1'",
       "device certificate dddd"},
      {"UPDATE admins SET key_sha256 = '" + digest + "' WHERE name = 'bob'",
       "administrator bob is not as change 11"},
      {"INSERT INTO admin_roles VALUES ('alice', 'key-admin')",
       "administrator alice is not as change 10"},
      {"DELETE FROM admin_roles WHERE admin = 'bob'", "administrator bob is not"},
      {"UPDATE admin_certificates SET expires_at_us = 9999999", "administrator alice is not"},
      {"UPDATE approvals SET body = '{\"x\":1}'", "request 0123456789abcdef is not as change 13"},
      {"UPDATE approvals SET state = 2", "request 0123456789abcdef is not"},
      {"UPDATE approval_decisions SET who = 'carol'", "request 0123456789abcdef is not"},
      // forged
      {"INSERT INTO meta VALUES ('more', 'x')", "fact more is in no change"},
      {"INSERT INTO policies (number, text, author, comment, created_at_us) VALUES (2, 'x', 'y', "
       "'', 1)",
       "policy version 2 is in no change"},
      {"INSERT INTO devices VALUES ('" + digest + "', 'db3', '', 1, 9, '" + digest + "', 0)",
       "device certificate cccc"},
      {"INSERT INTO admins VALUES ('mallory', 1, '" + digest + "')",
       "administrator mallory is in no change"},
      // dropped
      {"DELETE FROM meta", "fact server_id is missing; change 2"},
      {"DELETE FROM usage WHERE number = 2; DELETE FROM versions WHERE number = 2",
       "version 2 of key 010203040506 is missing; change 4"},
      {"DELETE FROM usage WHERE key_id = x'090203040506'; DELETE FROM versions WHERE key_id = "
       "x'090203040506'",
       "key 090203040506"},
      {"DELETE FROM schedule", "version 1 of key 010203040506 is not as change 5"},
      {"DELETE FROM policies", "policy version 1 is missing; change 7"},
      {"DELETE FROM devices WHERE name = 'db2'", "device certificate eeee"},
      {"DELETE FROM admin_roles WHERE admin = 'bob';"
       " DELETE FROM admin_certificates WHERE admin = 'bob'; DELETE FROM admins WHERE name = 'bob'",
       "administrator bob is missing"},
      {"DELETE FROM approvals; DELETE FROM approval_decisions",
       "request 0123456789abcdef is missing"},
      // swapped
      {"UPDATE devices SET serial = 'x' WHERE name = 'db1'", "device certificate dddd"},
      {"UPDATE versions SET wrapped = CASE number WHEN 1 THEN x'7365636f6e642d6d6174657269616c'"
       " ELSE x'777261707065642d6d6174657269616c' END WHERE key_id = x'010203040506'",
       "version 1 of key 010203040506 is not"},
      {"UPDATE admin_roles SET role = CASE admin WHEN 'alice' THEN 'key-admin' ELSE 'auditor' END",
       "administrator alice is not"},
  };
  for (const auto& [hand, said] : hands) {
    put_back();
    tamper(hand);
    EXPECT_THAT(start(), AllOf(HasSubstr("store_corrupt"), HasSubstr(said))) << hand;
  }
}

TEST_P(EngineLedgerTest, CertificatesOfAHandAreNamed) {
  auto store = filled();
  const KeyVersionId id{make_key("first").id, 2};
  const std::uint64_t before = store->ledger_head().epoch;
  ASSERT_TRUE(store->set_certificates(id, bytes_of("a chain")));
  EXPECT_EQ(store->ledger_head().epoch, before + 1);
  ASSERT_TRUE(store->set_certificates(id, bytes_of("a chain"))) << "no change";
  EXPECT_EQ(store->ledger_head().epoch, before + 1);
  store.reset();
  save();
  ASSERT_EQ(start(), "");
  const std::string change = "change " + std::to_string(before + 1);
  const std::pair<std::string, std::string> hands[] = {
      {"UPDATE key_certificates SET chain = x'00'",
       "the certificate of version 2 of key 010203040506 is not as " + change},
      {"INSERT INTO key_certificates VALUES (x'010203040506', 1, x'00')",
       "the certificate of version 1 of key 010203040506 is in no change"},
      {"DELETE FROM key_certificates",
       "the certificate of version 2 of key 010203040506 is missing; " + change},
      {"UPDATE key_certificates SET number = 1", "certificate of version 1 of key 010203040506"},
  };
  for (const auto& [hand, said] : hands) {
    put_back();
    auto running = reopen();
    ASSERT_TRUE(running->open_ledger(settings()));
    tamper(hand);
    EXPECT_EQ(running->load_keys().error().code, Code::store_corrupt) << hand;
    running.reset();
    EXPECT_THAT(start(), AllOf(HasSubstr("store_corrupt"), HasSubstr(said))) << hand;
  }
}

TEST_P(EngineLedgerTest, ChangesThatAHandWroteAreNamed) {
  filled().reset();
  save();
  const std::pair<std::string, std::string> hands[] = {
      {"DELETE FROM ledger WHERE epoch = 5", "change 5 of the ledger is missing"},
      {"DELETE FROM ledger_snapshots; DELETE FROM ledger", "the store's ledger is gone"},
      {"DELETE FROM ledger_snapshots; DELETE FROM ledger WHERE epoch = 1",
       "change 1 of the ledger is missing"},
      {"UPDATE ledger SET mac = "
       "x'0000000000000000000000000000000000000000000000000000000000000000' WHERE epoch = 5",
       "change 5 of the ledger is not the key server's"},
      {"UPDATE ledger SET epoch = 99 WHERE epoch = 5", "change 5 of the ledger is missing"},
      {"INSERT INTO ledger SELECT 14, bytes, mac FROM ledger WHERE epoch = 10",
       "change 14 of the ledger is that of number 10"},
      {"CREATE TABLE t AS SELECT * FROM ledger; UPDATE ledger SET (bytes, mac) ="
       " (SELECT bytes, mac FROM t WHERE t.epoch = 11 - ledger.epoch) WHERE epoch IN (5, 6);"
       " DROP TABLE t",
       "change 5 of the ledger is that of number 6"},
      {"DELETE FROM ledger WHERE epoch = 13", "request 0123456789abcdef is not as change 12"},
      {"UPDATE ledger_snapshots SET mac = "
       "x'0000000000000000000000000000000000000000000000000000000000000000'",
       "snapshot of change 1 of the ledger is not"},
      {"UPDATE ledger_snapshots SET epoch = 2", "snapshot of change 2 of the ledger is not"},
  };
  for (const auto& [hand, said] : hands) {
    put_back();
    tamper(hand);
    EXPECT_THAT(start(), AllOf(HasSubstr("store_corrupt"), HasSubstr(said))) << hand;
  }
  put_back();
  tamper("DELETE FROM ledger_snapshots");
  EXPECT_EQ(start(), "") << "a snapshot is only a shorter way";
}

TEST_P(EngineLedgerTest, AReplayedRowIsFound) {
  auto store = create();
  ASSERT_TRUE(store->begin_ledger(settings()));
  ASSERT_TRUE(store->insert_admin(admin_named("alice", {"auditor", "key-admin"}, 'a')));
  ASSERT_TRUE(store->set_admin_roles(**store->find_admin("alice"), {"auditor"}, {0, 1}));
  ASSERT_TRUE(store->insert_device(device_named("db1", 'd')));
  ASSERT_TRUE(store->remove_device("db1", 50));
  store.reset();
  save();
  tamper("INSERT INTO admin_roles VALUES ('alice', 'key-admin')");
  EXPECT_THAT(start(), HasSubstr("administrator alice is not as change 3"));
  put_back();
  tamper("UPDATE devices SET removed_at_us = 0");
  EXPECT_THAT(start(), HasSubstr("is not as change 5"));
}

TEST_P(EngineLedgerTest, ARunningServerBelievesNoHandEither) {
  auto store = filled();
  tamper(
      "INSERT INTO admin_roles VALUES ('alice', 'key-admin');"
      "UPDATE devices SET name = 'db9' WHERE name = 'db2';"
      "UPDATE approvals SET body = 'x'; UPDATE policies SET text = 'x';"
      "UPDATE keys SET actions = 'decrypt' WHERE name = 'other';"
      "INSERT INTO admins VALUES ('mallory', 1, '" +
      std::string(64, 'c') + "')");
  const auto code = [](auto done) { return done ? Code() : done.error().code; };
  EXPECT_EQ(code(store->find_admin("alice")), Code::store_corrupt);
  EXPECT_EQ(code(store->find_admin("mallory")), Code::store_corrupt);
  EXPECT_EQ(code(store->find_admin("bob")), Code());
  EXPECT_EQ(code(store->find_admin("nobody")), Code());
  EXPECT_EQ(code(store->list_admins()), Code::store_corrupt);
  EXPECT_EQ(code(store->list_devices()), Code::store_corrupt);
  EXPECT_EQ(code(store->latest()), Code::store_corrupt);
  EXPECT_EQ(code(store->find_approval("0123456789abcdef")), Code::store_corrupt);
  Admin alice = admin_named("alice", {"auditor", "key-admin"}, 'a');
  EXPECT_EQ(code(store->insert_admin_certificate(alice, {std::string(64, '9'), "0c", 5, 2'000})),
            Code::store_corrupt);
  EXPECT_EQ(code(store->remove_device("db9", 50)), Code::store_corrupt);
  EXPECT_EQ(code(store->expire_approvals(5'000)), Code::store_corrupt);
  EXPECT_EQ(code(store->set_attributes(make_key("other", 9).id, {})), Code::store_corrupt);
  EXPECT_EQ(store->ledger_head().epoch, 13u);
}

// Of a device that was removed nothing may be left that says so.
TEST_P(EngineLedgerTest, ARunningServerMissesWhatAHandTookAway) {
  auto store = filled();
  ASSERT_TRUE(store->remove_device("db1", 50));
  store.reset();
  save();
  const auto said = [](const auto& done) { return done ? "" : done.error().message; };
  const auto hand_after_open = [&](const std::string& hand) {
    store.reset();
    put_back();
    auto opened = reopen();
    EXPECT_TRUE(opened->open_ledger(settings()));
    tamper(hand);
    return opened;
  };
  store = hand_after_open("DELETE FROM devices WHERE name = 'db1'");
  EXPECT_THAT(said(store->list_devices()), HasSubstr("device certificate dddd"));
  EXPECT_THAT(said(store->insert_device(device_named("db1", 'f'))), HasSubstr("is missing"));
  EXPECT_THAT(said(store->remove_device("db1", 60)), HasSubstr("is missing"));
  store = hand_after_open(
      "DELETE FROM admin_roles WHERE admin = 'bob';"
      " DELETE FROM admin_certificates WHERE admin = 'bob'; DELETE FROM admins WHERE name = 'bob'");
  EXPECT_THAT(said(store->list_admins()), HasSubstr("administrator bob is missing"));
  store = hand_after_open("DELETE FROM policies");
  EXPECT_THAT(said(store->latest()), HasSubstr("policy version 1 is missing"));
  EXPECT_THAT(said(store->history()), HasSubstr("policy version 1 is missing"));
  store = hand_after_open("DELETE FROM approvals; DELETE FROM approval_decisions");
  EXPECT_THAT(said(store->list_approvals(10)), HasSubstr("0123456789abcdef is missing"));
  EXPECT_THAT(said(store->find_approval("0123456789abcdef")), HasSubstr("is missing"));
  store =
      hand_after_open("DELETE FROM usage WHERE number = 2; DELETE FROM versions WHERE number = 2");
  EXPECT_THAT(said(store->load_keys()), HasSubstr("version 2 of key 010203040506 is missing"));
  store = hand_after_open("DELETE FROM meta");
  EXPECT_THAT(said(store->meta("server_id")), HasSubstr("fact server_id is missing"));
}

TEST_P(EngineLedgerTest, ARunningServerLoadsNoKeyOfAHand) {
  auto store = filled();
  tamper("UPDATE keys SET actions = 'decrypt' WHERE name = 'other'");
  auto keys = store->load_keys();
  ASSERT_FALSE(keys);
  EXPECT_THAT(keys.error().message, HasSubstr("key 090203040506 is not as change 6"));
  tamper("UPDATE approvals SET body = 'x'");
  EXPECT_EQ(store->list_approvals(10).error().code, Code::store_corrupt);
  tamper("UPDATE policies SET author = 'bob'");
  EXPECT_EQ(store->history().error().code, Code::store_corrupt);
  tamper("UPDATE meta SET value = 'two'");
  EXPECT_EQ(store->meta("server_id").error().code, Code::store_corrupt);
}

}  // namespace
}  // namespace nae::store
