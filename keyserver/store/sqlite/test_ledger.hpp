// For tests: a store with a ledger, a row of every noun in it, and hands that write past both.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "keyserver/store/ledger.hpp"
#include "keyserver/store/sqlite/test_store.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::store::sqlite {

[[maybe_unused]] inline const auto* const kHeap = crypto::take_secure_heap_for_tests();

inline crypto::SecretBytes secret(Byte filler) {
  crypto::SecretBytes bytes(32);
  std::ranges::fill(bytes.expose_for_writing(), filler);
  return bytes;
}

inline LedgerSettings settings(Byte filler = 7) {
  return {std::make_shared<LedgerKey>(secret(filler)), "node-1", [] { return 1'000; }};
}

inline Admin admin_named(std::string name, std::vector<std::string> roles, char key) {
  AdminCertificate certificate{std::string(64, key), "0a", 5, 1000};
  return {std::move(name), std::move(roles), 5, std::string(64, key), {certificate}};
}

inline DeviceCertificate device_named(std::string name, char key) {
  return {std::move(name), std::string(64, key), "0b", 5, 1000, std::string(64, key), 0};
}

// A ledger, and a row of every noun.
inline void fill(store::Store& store) {
  EXPECT_TRUE(store.begin_ledger(settings()));
  EXPECT_TRUE(store.set_meta("server_id", "one"));
  keys::Key key = make_key("first");
  key.attributes.labels = {{"team", "crm"}, {"tier", "1"}};
  EXPECT_TRUE(store.insert_key(key));
  EXPECT_TRUE(store.insert_version(key.id, make_version(2, "second-material")));
  EXPECT_TRUE(store.set_schedule({key.id, 1}, {{keys::State::retired, 5'000, 0}}));
  EXPECT_TRUE(store.insert_key(make_key("other", 9)));
  EXPECT_TRUE(store.insert({0, "[[rule]]", "alice", "", 10}));
  EXPECT_TRUE(store.insert_device(device_named("db1", 'd')));
  EXPECT_TRUE(store.insert_device(device_named("db2", 'e')));
  EXPECT_TRUE(store.insert_admin(admin_named("alice", {"auditor"}, 'a')));
  EXPECT_TRUE(store.insert_admin(admin_named("bob", {"key-admin"}, 'b')));
  Approval approval;
  approval.id = "0123456789abcdef";
  approval.digest = approval.fingerprint = std::string(64, 'a');
  approval.requested_by = "alice";
  approval.body = "{}";
  approval.expires_at_us = 1'000;
  EXPECT_TRUE(store.insert_approval(approval, 10));
  EXPECT_TRUE(
      store.decide_approval(approval.id, {"bob", Verdict::approved, approval.digest, 20}, 2));
}

class LedgerTest : public StoreTest {
 protected:
  std::unique_ptr<Store> filled() {
    auto store = create();
    fill(*store);
    return store;
  }
  Result<LedgerReport> opened() {
    auto store = Store::open(path_);
    if (!store) return fail(store.error());
    return (*store)->open_ledger(settings());
  }
  // What a start says; "" when it takes the store.
  std::string start() {
    auto report = opened();
    if (report) return "";
    EXPECT_NE(report.error().hint_or_default(), "") << report.error().message;
    return std::string(name(report.error().code)) + ": " + report.error().message;
  }
  void copy_to(const fs::path& there) {
    fs::copy_file(path_, there, fs::copy_options::overwrite_existing);
  }
  // Without triggers: whoever can write the file need not ask them.
  void tamper_freely(const std::string& sql) {
    sqlite3* hand = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &hand), SQLITE_OK);
    sqlite3_db_config(hand, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    const std::string whole =
        "PRAGMA synchronous = OFF;" + sql + ";PRAGMA wal_checkpoint(TRUNCATE)";
    const int status = sqlite3_exec(hand, whole.c_str(), nullptr, nullptr, nullptr);
    EXPECT_EQ(status, SQLITE_OK) << sqlite3_errmsg(hand) << ": " << sql;
    sqlite3_close(hand);
  }
};

}  // namespace nae::store::sqlite
