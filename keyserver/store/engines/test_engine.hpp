// For tests: a store in each engine. A test that is written for EngineTest runs in all of them.
#pragma once

#include <gmock/gmock.h>

#include <atomic>

#include "keyserver/store/engines/test_postgresql.hpp"
#include "keyserver/store/postgresql/store.hpp"
#include "keyserver/store/sqlite/test_ledger.hpp"

namespace nae::store {

using sqlite::admin_named;
using sqlite::bytes_of;
using sqlite::device_named;
using sqlite::make_key;
using sqlite::make_version;
using sqlite::settings;
namespace fs = std::filesystem;

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Result<std::unique_ptr<sql::Store>> create() = 0;
  virtual Result<std::unique_ptr<sql::Store>> open() = 0;
  virtual std::string name() const = 0;
  // Runs SQL past the store, and past its triggers, as a hand that can write it would. Bytes are
  // x'00' in every engine's.
  virtual void tamper(const std::string& sql) = 0;
  // What a hand is told that does not go past the triggers; "" when nothing.
  virtual std::string refusal(const std::string& sql) = 0;
  // The store as it is now, and back. Nobody has it open.
  virtual void save() = 0;
  virtual void put_back() = 0;
};

class SqliteEngine final : public Engine {
 public:
  SqliteEngine() {
    char name[] = "/tmp/nae-store-XXXXXX";
    directory_ = ::mkdtemp(name);
    path_ = directory_ / "store.db";
  }
  ~SqliteEngine() override { fs::remove_all(directory_); }
  std::string name() const override { return "sqlite"; }
  Result<std::unique_ptr<sql::Store>> create() override {
    NAE_ASSIGN(auto store, sqlite::Store::create(path_));
    return std::unique_ptr<sql::Store>(std::move(store));
  }
  Result<std::unique_ptr<sql::Store>> open() override {
    NAE_ASSIGN(auto store, sqlite::Store::open(path_));
    return std::unique_ptr<sql::Store>(std::move(store));
  }
  void tamper(const std::string& sql) override {
    sqlite3* hand = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &hand), SQLITE_OK);
    sqlite3_db_config(hand, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    const std::string whole =
        "PRAGMA synchronous = OFF;" + sql + ";PRAGMA wal_checkpoint(TRUNCATE)";
    const int status = sqlite3_exec(hand, whole.c_str(), nullptr, nullptr, nullptr);
    EXPECT_EQ(status, SQLITE_OK) << sqlite3_errmsg(hand) << ": " << sql;
    sqlite3_close(hand);
  }
  std::string refusal(const std::string& sql) override {
    auto done = (*sqlite::Database::open(path_))->run_script(sql.c_str());
    return done ? "" : done.error().message;
  }
  void save() override {
    fs::copy_file(path_, directory_ / "whole", fs::copy_options::overwrite_existing);
  }
  void put_back() override {
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(path_.string() + suffix);
    fs::copy_file(directory_ / "whole", path_, fs::copy_options::overwrite_existing);
  }

 private:
  fs::path directory_, path_;
};

class PostgresqlEngine final : public Engine {
 public:
  PostgresqlEngine() : database_("store_" + std::to_string(++count())) {
    server_.run("postgres", "CREATE DATABASE " + database_);
    target_ = postgresql::read_target(server_.url(database_)).value();
  }
  ~PostgresqlEngine() override {
    for (const char* suffix : {"", "_whole"})
      server_.run("postgres", "DROP DATABASE IF EXISTS " + database_ + suffix + " WITH (FORCE)");
  }
  std::string name() const override { return "postgresql"; }
  Result<std::unique_ptr<sql::Store>> create() override {
    NAE_ASSIGN(auto store, postgresql::Store::create(target_));
    return std::unique_ptr<sql::Store>(std::move(store));
  }
  // With a lease of its own, as every writer has.
  Result<std::unique_ptr<sql::Store>> open() override {
    NAE_ASSIGN(auto store, postgresql::Store::open(target_));
    NAE_ASSIGN(const auto row,
               postgresql::LeaseRow::open(target_, std::chrono::milliseconds(60'000)));
    NAE_ASSIGN(const LeaseState seen, row->read());
    NAE_ASSIGN(const auto holding,
               row->take(seen, "node-1", "test", std::chrono::milliseconds(60'000)));
    EXPECT_TRUE(holding);
    store->hold(*holding, nullptr, [] { ADD_FAILURE() << "an outcome stays unknown"; }, {});
    return std::unique_ptr<sql::Store>(std::move(store));
  }
  void tamper(const std::string& sql) override {
    server_.run(database_, "SET search_path = nae_store; SET session_replication_role = replica;" +
                               in_own_words(sql));
  }
  std::string refusal(const std::string& sql) override {
    return server_.refusal(database_, "SET search_path = nae_store;" + in_own_words(sql));
  }
  void save() override { copy(database_, database_ + "_whole"); }
  void put_back() override { copy(database_ + "_whole", database_); }
  const postgresql::Target& target() const { return target_; }
  const std::string& database() const { return database_; }

 private:
  static std::atomic<int>& count() {
    static std::atomic<int> made = 0;
    return made;
  }
  // x'00' is a bit string there.
  static std::string in_own_words(std::string sql) {
    for (std::size_t at = 0; (at = sql.find("x'", at)) != std::string::npos; at += 3) {
      if (at == 0 || (sql[at - 1] != ' ' && sql[at - 1] != '(')) continue;
      sql.replace(at, 2, "'\\x");
      sql.insert(sql.find('\'', at + 1) + 1, "::bytea");
    }
    return sql;
  }
  void copy(const std::string& from, const std::string& to) {
    server_.run("postgres", "DROP DATABASE IF EXISTS " + to + " WITH (FORCE)");
    server_.run("postgres", "CREATE DATABASE " + to + " TEMPLATE " + from);
  }

  TestPostgresql& server_ = TestPostgresql::get();
  std::string database_;
  postgresql::Target target_;
};

using MakeEngine = std::unique_ptr<Engine> (*)();
template <class Made>
std::unique_ptr<Engine> make_engine() {
  return std::make_unique<Made>();
}

class EngineTest : public ::testing::TestWithParam<MakeEngine> {
 protected:
  std::unique_ptr<sql::Store> create() {
    auto store = engine_->create();
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  std::unique_ptr<sql::Store> reopen() {
    auto store = engine_->open();
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  void tamper(const std::string& sql) { engine_->tamper(sql); }
  std::string refusal(const std::string& sql) { return engine_->refusal(sql); }
  void save() { engine_->save(); }
  void put_back() { engine_->put_back(); }
  // What a start says; "" when it takes the store.
  std::string start() {
    auto store = engine_->open();
    if (!store) return store.error().message;
    auto report = (*store)->open_ledger(settings());
    if (report) return "";
    EXPECT_NE(report.error().hint_or_default(), "") << report.error().message;
    return std::string(nae::name(report.error().code)) + ": " + report.error().message;
  }
  bool is_postgresql() const { return engine_->name() == "postgresql"; }

  std::unique_ptr<Engine> engine_ = GetParam()();
};

class EngineLedgerTest : public EngineTest {
 protected:
  std::unique_ptr<sql::Store> filled() {
    auto store = create();
    sqlite::fill(*store);
    return store;
  }
};

// One a file of tests.
#define NAE_IN_EVERY_ENGINE(fixture)                                                 \
  INSTANTIATE_TEST_SUITE_P(                                                          \
      Engines, fixture,                                                              \
      ::testing::Values(&make_engine<SqliteEngine>, &make_engine<PostgresqlEngine>), \
      [](const auto& tested) { return tested.index == 0 ? "SQLite" : "PostgreSQL"; })

}  // namespace nae::store
