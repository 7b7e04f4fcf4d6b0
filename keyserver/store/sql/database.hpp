// A database, as the tables of the store need it: statements with parameters, one transaction at a
// time. What an engine does its own way is here and nowhere else; all that is SQL stands beside it
// once, in the words that every engine understands. Not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::store::sql {

using Value = std::variant<std::int64_t, std::string_view, ByteView>;

// The rows that a statement answers, front to back.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual Result<bool> step() = 0;  // true while there is a row
  // Of the current row, columns from 0.
  virtual std::int64_t integer(int column) const = 0;
  virtual std::string text(int column) const = 0;
  virtual Bytes blob(int column) const = 0;
};

class Statement {
 public:
  explicit Statement(std::unique_ptr<Cursor> cursor) : cursor_(std::move(cursor)) {}
  Result<bool> step() { return cursor_->step(); }
  std::int64_t integer(int column) const { return cursor_->integer(column); }
  std::string text(int column) const { return cursor_->text(column); }
  Bytes blob(int column) const { return cursor_->blob(column); }

 private:
  std::unique_ptr<Cursor> cursor_;
};

// What became of a transaction that was to be committed.
enum class Outcome {
  committed,
  unknown,  // the connection was lost meanwhile, or other machines do not have it yet
};

// Failures of every call: Code::store_corrupt, store_unavailable; of a constraint Code::conflict,
// and Code::not_found when the row that it refers to is missing.
class Database {
 public:
  virtual ~Database() = default;

  // A statement with `arguments` for ?1, ?2, ...; a failure may show at its first step only.
  template <class... Arguments>
  Result<Statement> query(std::string_view sql, const Arguments&... arguments) {
    const std::array<Value, sizeof...(arguments)> values{Value(arguments)...};
    return run(sql, values);
  }
  // Runs one statement to its end.
  template <class... Arguments>
  Result<void> execute(std::string_view sql, const Arguments&... arguments) {
    const std::array<Value, sizeof...(arguments)> values{Value(arguments)...};
    return execute_with(sql, values);
  }
  // The same with values that the caller has put together.
  Result<void> execute_with(std::string_view sql, std::span<const Value> values);
  // The first column of the first row; 0 when there is none, or NULL in it.
  Result<std::int64_t> integer(std::string_view sql);
  // Rows that the last execute() changed.
  virtual int changes() const = 0;

  // What is read after begin() stays true until commit(): nobody else writes meanwhile.
  virtual Result<void> begin() = 0;
  // The same for who writes nothing, where it holds nobody up.
  virtual Result<void> begin_reading() { return begin(); }
  virtual Result<Outcome> commit() = 0;
  virtual void roll_back() = 0;

  // The schema that the store has, and the one that this server writes.
  virtual Result<std::int64_t> schema() = 0;
  virtual std::int64_t newest_schema() const = 0;
  // In the caller's transaction: Code::store_corrupt, with its name, for what is not as the key
  // server makes it: a trigger that a hand has planted would write in the server's name. Answers
  // schema_mark().
  virtual Result<std::int64_t> check_schema() = 0;
  // A number which every change of what check_schema() compares moves.
  virtual Result<std::int64_t> schema_mark() = 0;
  // In the caller's transaction: the ledger's tables, empty.
  virtual Result<void> forget_ledger() = 0;
  // What was overwritten stands in the engine's journal for a while; this shortens it where the
  // engine can.
  virtual void erase_remains() = 0;
  // Whether several key servers may be on this database.
  virtual bool is_shared() const { return false; }
  // Which of the key servers on this database it is; 1 where there is one alone.
  virtual std::int64_t node_number() const { return 1; }
  // Whether another key server makes the changes, and this one answers beside it.
  virtual bool follows() const { return false; }
  // In a transaction: why nothing of the ledger may be changed now, though the store answers.
  virtual Result<void> may_change() { return {}; }
  // A change was made or not, and nobody could find out: what this process knows may not be what
  // the store has.
  virtual void outcome_stays_unknown() {}
  // How long to ask what became of a change before that.
  virtual std::chrono::milliseconds time_to_find_out() { return {}; }

 protected:
  virtual Result<Statement> run(std::string_view sql, std::span<const Value> values) = 0;
};

// Rolled back unless commit() succeeded.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  // Code::store_unavailable also when the outcome is unknown.
  Result<void> commit();
  // For who can find out.
  Result<Outcome> try_commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace nae::store::sql
