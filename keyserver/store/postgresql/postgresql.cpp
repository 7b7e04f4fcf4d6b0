#include "keyserver/store/postgresql/postgresql.hpp"

#include <libpq-fe.h>

#include <cstdlib>

#include "keyserver/store/postgresql/schema.hpp"

namespace nae::store::postgresql {
namespace {

// A whole answer; libpq has it in memory.
class Rows final : public sql::Cursor {
 public:
  explicit Rows(Answer answer) : answer_(std::move(answer)) {}

  Result<bool> step() override { return ++row_ < PQntuples(answer_.get()); }

  std::int64_t integer(int column) const override {
    return std::strtoll(PQgetvalue(answer_.get(), row_, column), nullptr, 10);
  }

  std::string text(int column) const override {
    return {PQgetvalue(answer_.get(), row_, column),
            static_cast<std::size_t>(PQgetlength(answer_.get(), row_, column))};
  }

  Bytes blob(int column) const override {
    std::size_t size = 0;
    const auto* text =
        reinterpret_cast<const unsigned char*>(PQgetvalue(answer_.get(), row_, column));
    unsigned char* bytes = PQunescapeBytea(text, &size);
    Bytes blob(bytes, bytes + size);
    PQfreemem(bytes);
    return blob;
  }

 private:
  Answer answer_;
  int row_ = -1;
};

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const Target& target,
                                                 std::chrono::milliseconds patience,
                                                 std::chrono::milliseconds idle) {
  std::unique_ptr<Database> database(new Database(target, patience, idle));
  NAE_TRY(database->connection_.connect());
  return database;
}

// What was lost while nobody used it is found by the first statement: that one is asked again.
Result<Answer> Database::ask(std::string_view sql, std::span<const sql::Value> values) {
  if (in_transaction_) return connection_.run(sql, values);
  NAE_TRY(connection_.connect());
  auto answer = connection_.run(sql, values);
  if (answer || connection_.is_connected()) return answer;
  NAE_TRY(connection_.connect());
  return connection_.run(sql, values);
}

Result<sql::Statement> Database::run(std::string_view sql, std::span<const sql::Value> values) {
  NAE_ASSIGN(Answer answer, ask(sql, values));
  // "" of a command that changes no rows.
  changes_ = static_cast<int>(std::strtol(PQcmdTuples(answer.get()), nullptr, 10));
  return sql::Statement(std::make_unique<Rows>(std::move(answer)));
}

Result<void> Database::run_script(const std::string& sql) {
  if (!in_transaction_) NAE_TRY(connection_.connect());
  return connection_.run_script(sql).map([](const Answer&) {});
}

Result<void> Database::begin_unlocked() {
  NAE_TRY(ask("BEGIN", {}));
  in_transaction_ = true;
  return {};
}

// One row's lock stands before every change of whichever key server: after it the newest is read.
Result<void> Database::lock_and_check() {
  NAE_ASSIGN(sql::Statement writer, query("SELECT one FROM writer FOR UPDATE"));
  NAE_ASSIGN(const bool locked, writer.step());
  NAE_ASSIGN(const bool more, writer.step());
  if (!locked || more)
    return fail(Code::store_corrupt, "the store's table writer has not the one row that is locked");
  if (generation_ == 0) return {};
  NAE_ASSIGN(sql::Statement lease,
             query("SELECT generation, holder,"
                   " (current_setting('synchronous_standby_names') <> '')::int"
                   " FROM lease"));
  NAE_ASSIGN(const bool found, lease.step());
  if (!found) return fail(Code::store_corrupt, "the store has no row of its lease");
  synchronous_ = lease.integer(2) != 0;
  if (lease.integer(0) == generation_ && lease.text(1) == holder_) return {};
  return fail(Code::server_unavailable, "another key server has taken the store over");
}

Result<void> Database::check_run() {
  NAE_ASSIGN(sql::Statement row, query("SELECT 1 FROM nodes WHERE name = ?1 AND run = ?2",
                                       std::string_view(node_), std::string_view(run_)));
  NAE_ASSIGN(const bool mine, row.step());
  if (mine) return {};
  return fail(Code::server_unavailable, "another run has the name " + node_);
}

// One moment of the store, for as many statements as there are.
Result<void> Database::begin_reading() {
  NAE_TRY(ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", {}));
  in_transaction_ = true;
  return {};
}

Result<void> Database::begin() {
  NAE_TRY(begin_unlocked());
  auto locked = follows() ? check_run() : lock_and_check();
  if (!locked) roll_back();
  return locked;
}

Result<sql::Outcome> Database::commit() {
  if (!may_write_)
    return fail(Code::server_unavailable, "the store is only read here",
                "Stop the key server that is in charge, or do this where it runs.");
  auto answer = connection_.run("COMMIT", {});
  in_transaction_ = false;  // whatever it said: an error ends the transaction too
  if (!answer) {
    // A deferred constraint, or a server that has rolled back: it said so. Silence says nothing.
    if (connection_.is_connected()) return fail(std::move(answer).error());
    return sql::Outcome::unknown;
  }
  if (std::string_view(PQcmdStatus(answer->get())) != "COMMIT")
    return fail(Code::store_unavailable, "store: the transaction was rolled back");
  // "canceling wait for synchronous replication": this machine has it, and perhaps no other one.
  return connection_.warned() ? sql::Outcome::unknown : sql::Outcome::committed;
}

void Database::roll_back() {
  if (!std::exchange(in_transaction_, false)) return;
  if (connection_.is_connected() && !connection_.run("ROLLBACK", {})) connection_.disconnect();
}

Result<std::int64_t> Database::schema() {
  return integer("SELECT max(version) FROM migrations");
}

std::int64_t Database::newest_schema() const {
  return postgresql::newest_schema();
}

Result<std::int64_t> Database::check_schema() {
  return postgresql::check_schema(*this);
}

Result<std::int64_t> Database::schema_mark() {
  return postgresql::schema_mark(*this);
}

Result<void> Database::forget_ledger() {
  return postgresql::forget_ledger(*this);
}

}  // namespace nae::store::postgresql
