#include "keyserver/store/postgresql/store.hpp"

#include "keyserver/store/postgresql/schema.hpp"

namespace nae::store::postgresql {

Result<Examined> examine(const Target& target) {
  NAE_ASSIGN(const auto database, Database::open(target));
  NAE_ASSIGN(const bool there, has_store(*database));
  if (!there) return fail(Code::not_initialised, "there is no store at " + target.text());
  Examined examined;
  NAE_ASSIGN(const std::int64_t synchronous,
             database->integer("SELECT (current_setting('synchronous_standby_names') <> '')::int"));
  NAE_ASSIGN(const std::int64_t loaded,
             database->integer("SELECT (current_setting('shared_preload_libraries', true)"
                               " ~ 'pg_nae')::int"));
  examined.synchronous = synchronous != 0;
  examined.protected_by_us = loaded != 0;
  return examined;
}

Result<void> check_empty(const Target& target) {
  NAE_ASSIGN(const auto database, Database::open(target));
  return check_no_store(*database);
}

Store::Store(std::unique_ptr<Database> database)
    : sql::Store(std::move(database)), postgresql_(static_cast<Database&>(this->database())) {}

Result<std::unique_ptr<Store>> Store::create(const Target& target) {
  NAE_ASSIGN(auto database, Database::open(target));
  database->write_unfenced();
  NAE_TRY(begin_schema(*database));
  NAE_TRY(finish_schema(*database));
  return std::unique_ptr<Store>(new Store(std::move(database)));
}

Result<std::unique_ptr<Store>> Store::open(const Target& target, std::chrono::milliseconds idle) {
  NAE_ASSIGN(auto database, Database::open(target, kPatience, idle));
  NAE_ASSIGN(const bool there, has_store(*database));
  if (!there) return fail(Code::not_initialised, "there is no store at " + target.text());
  NAE_ASSIGN(const std::int64_t schema, database->schema());
  if (schema < kOldestSchema || schema > newest_schema())
    return fail(Code::store_version, "the store has schema " + std::to_string(schema) +
                                         ", this server knows " + std::to_string(newest_schema()));
  return std::unique_ptr<Store>(new Store(std::move(database)));
}

void Store::follow(const std::string& node, std::string run) {
  postgresql_.follow(node, std::move(run));
}

void Store::be_node(const std::string& node, std::int64_t number) {
  postgresql_.set_node_number(number);
  set_node(node);
}

Result<bool> Store::is_newest() {
  return postgresql_.schema().map([](std::int64_t schema) { return schema == newest_schema(); });
}

Result<void> Store::upgrade() {
  NAE_ASSIGN(const bool newest, is_newest());
  if (newest) return {};
  NAE_ASSIGN(sql::Transaction transaction, sql::Transaction::begin(postgresql_));
  NAE_TRY(upgrade_schema(postgresql_));
  return transaction.commit();
}

void Store::hold(const Holding& holding, std::shared_ptr<void> lease, std::function<void()> forfeit,
                 std::function<std::chrono::milliseconds()> left, Database::MayChange may_change) {
  postgresql_.fence(holding.generation, holding.holder);
  postgresql_.on_doubt(std::move(forfeit), std::move(left));
  postgresql_.ask_before_changes(std::move(may_change));
  be_node(holding.node, holding.node_number);
  lease_ = std::move(lease);
}

}  // namespace nae::store::postgresql
