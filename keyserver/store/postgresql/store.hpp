// The store in a PostgreSQL database.
#pragma once

#include <functional>
#include <memory>

#include "keyserver/store/postgresql/lease_row.hpp"
#include "keyserver/store/postgresql/target.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::postgresql {

// What the store's server is, for who checks a configuration.
struct Examined {
  bool synchronous = false;      // commits wait for another machine
  bool protected_by_us = false;  // pg_nae is preloaded
};
// Codes as Store::open().
Result<Examined> examine(const Target& target);

// Code::already_initialised when the database has a store; others as Store::open().
Result<void> check_empty(const Target& target);

class Store final : public sql::Store {
 public:
  // Makes a new store. Code::already_initialised when the database has one.
  static Result<std::unique_ptr<Store>> create(
      const Target& target);  // which writes without a lease
  // Code::not_initialised when the database has none, Code::store_version when a newer release's
  // server wrote it, Code::store_unavailable when no host answers that takes writes. Of an older
  // one facts and changes can be read; the rest takes upgrade().
  // `idle`: the longest that a transaction of a key server which is lost may hold others up.
  static Result<std::unique_ptr<Store>> open(const Target& target,
                                             std::chrono::milliseconds idle = kIdle);

  // Until this is called it only reads; from then on it writes for as long as the lease has this
  // generation: docs/spec/group.md. Its audit log is that of this node. `lease` is given back when
  // the store goes; `forfeit` is called when it stays unknown what became of a change,
  // after that was asked for as long as `left` said. `may_change`, see Database; empty: always.
  void hold(const Holding& holding, std::shared_ptr<void> lease, std::function<void()> forfeit,
            std::function<std::chrono::milliseconds()> left, Database::MayChange may_change = {});

  // For one that follows: what is read is no change of anybody's that is under way, and what is
  // written is this node's head of its audit log alone. After the ledger was opened.
  void follow(const std::string& node, std::string run);
  // Of its audit log's head; hold() and restore know it.
  void be_node(const std::string& node, std::int64_t number);
  // After hold(): the schema of this release in the place of an older one. Who waits reads both.
  Result<void> upgrade();
  Result<bool> is_newest();  // its schema

 private:
  explicit Store(std::unique_ptr<Database> database);
  Database& postgresql_;  // the database of sql::Store
  std::shared_ptr<void> lease_;
};

}  // namespace nae::store::postgresql
