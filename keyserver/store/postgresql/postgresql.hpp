// PostgreSQL as a database of the store.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "keyserver/store/postgresql/connection.hpp"
#include "keyserver/store/sql/database.hpp"

namespace nae::store::postgresql {

// How long a statement may take, and how long a transaction may say nothing.
inline constexpr std::chrono::seconds kPatience{20};
inline constexpr std::chrono::seconds kIdle{60};

class Database final : public sql::Database {
 public:
  static Result<std::unique_ptr<Database>> open(const Target& target,
                                                std::chrono::milliseconds patience = kPatience,
                                                std::chrono::milliseconds idle = kIdle);

  // Until this is called nothing is committed: who has no lease only reads. From then on a
  // transaction is refused (Code::server_unavailable) unless the lease still is this one, which
  // is looked at under the lock that whoever takes the lease must have.
  void fence(std::int64_t generation, std::string holder) {
    generation_ = generation;
    holder_ = std::move(holder);
    may_write_ = true;
  }
  // Of a run that follows: it locks nothing, and what it writes is what is its own, as long as the
  // node's name is that run's.
  void follow(std::string node, std::string run) {
    node_ = std::move(node);
    run_ = std::move(run);
    may_write_ = true;
  }
  bool follows() const override { return !run_.empty(); }
  // For who makes the store or takes the lease: writes without having it.
  void write_unfenced() { may_write_ = true; }
  // `forfeit` is called when it stays unknown what became of a transaction, which is asked for as
  // long as `left` says.
  void on_doubt(std::function<void()> forfeit, std::function<std::chrono::milliseconds()> left) {
    forfeit_ = std::move(forfeit);
    left_ = std::move(left);
  }
  // Asked in each transaction that is to change the ledger, with whether commits wait for another
  // machine now.
  using MayChange = std::function<Result<void>(bool synchronous)>;
  void ask_before_changes(MayChange may) { may_change_ = std::move(may); }
  void set_node_number(std::int64_t number) { node_number_ = number; }

  // Several statements without parameters.
  Result<void> run_script(const std::string& sql);

  int changes() const override { return changes_; }
  Result<void> begin() override;
  Result<void> begin_reading() override;
  // Without the lock: for what touches no row of the store's.
  Result<void> begin_unlocked();
  Result<sql::Outcome> commit() override;
  void roll_back() override;
  Result<std::int64_t> schema() override;
  std::int64_t newest_schema() const override;
  Result<std::int64_t> check_schema() override;
  Result<std::int64_t> schema_mark() override;
  Result<void> forget_ledger() override;
  void erase_remains() override {}  // PostgreSQL's own: docs/operations.md
  bool is_shared() const override { return true; }
  std::int64_t node_number() const override { return node_number_; }
  Result<void> may_change() override {
    return may_change_ ? may_change_(synchronous_) : Result<void>{};
  }
  void outcome_stays_unknown() override {
    if (forfeit_) forfeit_();
  }
  std::chrono::milliseconds time_to_find_out() override {
    return left_ ? left_() : std::chrono::milliseconds(0);
  }

 private:
  Database(const Target& target, std::chrono::milliseconds patience, std::chrono::milliseconds idle)
      : connection_(target, patience, idle) {}
  Result<Answer> ask(std::string_view sql, std::span<const sql::Value> values);
  Result<sql::Statement> run(std::string_view sql, std::span<const sql::Value> values) override;
  Connection connection_;
  bool in_transaction_ = false;
  bool may_write_ = false;
  std::function<void()> forfeit_;
  std::function<std::chrono::milliseconds()> left_;
  MayChange may_change_;
  bool synchronous_ = true;  // as the transaction began
  int changes_ = 0;
  Result<void> lock_and_check();
  Result<void> check_run();
  std::int64_t generation_ = 0;  // 0: no lease
  std::string holder_;
  std::string node_, run_;  // of one that follows
  std::int64_t node_number_ = 1;
};

}  // namespace nae::store::postgresql
