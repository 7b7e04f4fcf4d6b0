// SQLite as a database of the store. Nothing outside this folder includes sqlite3.h.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "keyserver/store/sql/database.hpp"

namespace nae::store::sqlite {

using sql::Statement;
using sql::Transaction;

// How long a write waits for a backup tool that reads or checkpoints the file.
inline constexpr int kBusyTimeoutMs = 5'000;

// Codes as of sql::Database.
Error sqlite_error(sqlite3* connection, int status, std::string_view what);

class Database final : public sql::Database {
 public:
  // Opens an existing file for reading and writing, durable and with constraints on.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path);

  // Runs several statements without arguments.
  Result<void> run_script(const char* sql);

  int changes() const override { return sqlite3_changes(connection_.get()); }
  Result<void> begin() override;
  Result<sql::Outcome> commit() override;
  void roll_back() override;
  Result<std::int64_t> schema() override;
  std::int64_t newest_schema() const override;
  Result<std::int64_t> check_schema() override;
  Result<std::int64_t> schema_mark() override;
  Result<void> forget_ledger() override;
  void erase_remains() override;

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  explicit Database(sqlite3* connection) : connection_(connection) {}
  Result<Statement> run(std::string_view sql, std::span<const sql::Value> values) override;
  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace nae::store::sqlite
