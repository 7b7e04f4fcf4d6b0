// SQLite behind our own types. Everything answers a Result; nothing outside keyserver/store/
// includes sqlite3.h.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::store::sqlite {

// How long a write waits for a backup tool that reads or checkpoints the file.
inline constexpr int kBusyTimeoutMs = 5'000;

// Code::store_corrupt, store_unavailable; of a constraint: Code::conflict, and Code::not_found when
// the row it refers to is missing.
Error sqlite_error(sqlite3* connection, int status, std::string_view what);

// One prepared statement, stepped front to back.
class Statement {
 public:
  // The first failure of a bind is answered by the next step().
  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view text);
  void bind(int index, ByteView blob);

  // True while there is a row.
  Result<bool> step();

  // Of the current row, columns from 0. Views end with the next step().
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  Bytes blob(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void note(int status) {
    if (bind_status_ == SQLITE_OK) bind_status_ = status;
  }
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_status_ = SQLITE_OK;
};

class Database {
 public:
  // Opens an existing file for reading and writing, durable and with constraints on.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path);

  // A statement with `arguments` bound to ?1, ?2, ...
  template <class... Arguments>
  Result<Statement> query(std::string_view sql, const Arguments&... arguments) {
    NAE_ASSIGN(Statement statement, prepare(sql));
    int index = 0;
    (statement.bind(++index, arguments), ...);
    return statement;
  }
  // Runs one statement to its end.
  template <class... Arguments>
  Result<void> execute(std::string_view sql, const Arguments&... arguments) {
    NAE_ASSIGN(Statement statement, query(sql, arguments...));
    while (true) {
      NAE_ASSIGN(bool row, statement.step());
      if (!row) return {};
    }
  }
  // Runs several statements without arguments.
  Result<void> run_script(const char* sql);
  // The first column of the only row.
  Result<std::int64_t> integer(std::string_view sql);

  // Rows that the last execute() changed.
  int changes() const { return sqlite3_changes(connection_.get()); }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  explicit Database(sqlite3* connection) : connection_(connection) {}
  Result<Statement> prepare(std::string_view sql);
  std::unique_ptr<sqlite3, Close> connection_;
};

// Rolled back unless commit() succeeded.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace nae::store::sqlite
