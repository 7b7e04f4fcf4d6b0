// The mark of a PostgreSQL's schema: what an administrator of the database does to keep it well
// leaves it, and what a hand plants moves it.
#include "keyserver/store/engines/test_engine.hpp"
#include "keyserver/store/postgresql/schema.hpp"

namespace nae::store {
namespace {

class SchemaMarkTest : public ::testing::Test {
 protected:
  SchemaMarkTest() {
    EXPECT_TRUE(engine_.create());
    database_ = std::move(postgresql::Database::open(engine_.target()).value());
    store_ = std::move(engine_.open().value());
    EXPECT_TRUE(store_->begin_ledger(settings()));
  }
  std::int64_t mark() { return postgresql::schema_mark(*database_).value(); }
  void run(const std::string& sql) { TestPostgresql::get().run(engine_.database(), sql); }

  PostgresqlEngine engine_;
  std::unique_ptr<postgresql::Database> database_;
  std::unique_ptr<sql::Store> store_;
};

TEST_F(SchemaMarkTest, CareOfTheDatabaseLeavesIt) {
  const std::int64_t before = mark();
  for (const char* care :
       {"REINDEX SCHEMA CONCURRENTLY nae_store", "REINDEX SCHEMA nae_store",
        "VACUUM FULL nae_store.versions", "ANALYZE", "VACUUM (FREEZE) nae_store.ledger",
        "CLUSTER nae_store.devices USING devices_by_name"}) {
    run(care);
    EXPECT_EQ(mark(), before) << care;
  }
  EXPECT_TRUE(store_->set_meta("x", "y")) << "changes go on";
  EXPECT_TRUE(store_->verify_ledger());
}

TEST_F(SchemaMarkTest, AGuardThatWasAwayForAWhileLeavesATrace) {
  const std::int64_t before = mark();
  run("ALTER TABLE nae_store.ledger DISABLE TRIGGER USER");
  run("ALTER TABLE nae_store.ledger ENABLE TRIGGER USER");
  EXPECT_NE(mark(), before) << "though all is as it was";
}

TEST_F(SchemaMarkTest, WhatActsOnRowsMovesIt) {
  std::int64_t last = mark();
  for (const char* planted :
       {"CREATE FUNCTION nae_store.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        "CREATE TRIGGER t BEFORE INSERT ON nae_store.meta FOR EACH ROW EXECUTE FUNCTION "
        "nae_store.f()",
        "ALTER TABLE nae_store.meta DISABLE TRIGGER t",
        "CREATE OR REPLACE FUNCTION nae_store.f() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RETURN NULL; END'",
        "ALTER TRIGGER t ON nae_store.meta RENAME TO u",
        "CREATE OR REPLACE TRIGGER u BEFORE INSERT ON nae_store.meta FOR EACH ROW WHEN (new.name = "
        "'x') EXECUTE FUNCTION nae_store.f()",
        "ALTER TABLE nae_store.schedule DISABLE TRIGGER ALL",
        "ALTER TABLE nae_store.versions DROP CONSTRAINT versions_number_check",
        "ALTER TABLE nae_store.versions ADD CONSTRAINT versions_number_check CHECK (true) NOT "
        "VALID",
        "ALTER TABLE nae_store.versions VALIDATE CONSTRAINT versions_number_check",
        "ALTER TABLE nae_store.usage ALTER CONSTRAINT usage_key_id_number_fkey DEFERRABLE",
        "CREATE RULE r AS ON INSERT TO nae_store.meta DO ALSO NOTHING",
        "CREATE INDEX i ON nae_store.meta (value)",
        "ALTER TABLE nae_store.meta ALTER value SET DEFAULT 'x'"}) {
    run(planted);
    const std::int64_t now = mark();
    EXPECT_NE(now, last) << planted;
    last = now;
    EXPECT_EQ(store_->set_meta("x", "y").error().code, Code::store_corrupt) << planted;
  }
}

}  // namespace
}  // namespace nae::store
