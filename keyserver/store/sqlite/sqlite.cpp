#include "keyserver/store/sqlite/sqlite.hpp"

#include "keyserver/store/sqlite/schema.hpp"

namespace nae::store::sqlite {
namespace {

// WAL with synchronous=FULL: a commit that was answered survives a power failure. secure_delete:
// destroyed key material is overwritten, not just unlinked. trusted_schema, cell_size_check:
// a doctored file must not run functions or confuse the pager.
constexpr char kSettings[] = R"(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  PRAGMA secure_delete = ON;
  PRAGMA trusted_schema = OFF;
  PRAGMA cell_size_check = ON;
)";

}  // namespace

Error sqlite_error(sqlite3* connection, int status, std::string_view what) {
  Code code = Code::store_unavailable;
  if ((status & 0xff) == SQLITE_CORRUPT || (status & 0xff) == SQLITE_NOTADB)
    code = Code::store_corrupt;
  else if (status == SQLITE_CONSTRAINT_FOREIGNKEY)
    code = Code::not_found;
  else if ((status & 0xff) == SQLITE_CONSTRAINT)
    code = Code::conflict;
  std::string message = "store: " + std::string(what) + ": ";
  message += connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(status);
  return Error(code, std::move(message));
}

namespace {

int bind_some(sqlite3_stmt* statement, int index, std::int64_t value) {
  return sqlite3_bind_int64(statement, index, value);
}

int bind_some(sqlite3_stmt* statement, int index, std::string_view text) {
  return sqlite3_bind_text64(statement, index, text.empty() ? "" : text.data(), text.size(),
                             SQLITE_TRANSIENT, SQLITE_UTF8);
}

int bind_some(sqlite3_stmt* statement, int index, ByteView blob) {
  // A null pointer would bind NULL instead of an empty blob.
  static constexpr Byte kEmpty = 0;
  return sqlite3_bind_blob64(statement, index, blob.empty() ? &kEmpty : blob.data(), blob.size(),
                             SQLITE_TRANSIENT);
}

// A prepared statement, stepped front to back; the first failure of a bind is answered by step().
class Prepared final : public sql::Cursor {
 public:
  explicit Prepared(sqlite3_stmt* statement) : statement_(statement) {}

  void bind(int index, const sql::Value& value) {
    const int status = std::visit(
        [&](const auto& some) { return bind_some(statement_.get(), index, some); }, value);
    if (bind_status_ == SQLITE_OK) bind_status_ = status;
  }

  Result<bool> step() override {
    sqlite3* connection = sqlite3_db_handle(statement_.get());
    if (bind_status_ != SQLITE_OK) return fail(sqlite_error(connection, bind_status_, "bind"));
    int status = sqlite3_step(statement_.get());
    if (status == SQLITE_ROW) return true;
    if (status == SQLITE_DONE) return false;
    return fail(sqlite_error(connection, status, "execute"));
  }

  std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_.get(), column);
  }

  std::string text(int column) const override {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return text == nullptr ? std::string() : std::string(text, size);
  }

  Bytes blob(int column) const override {
    const auto* bytes = static_cast<const Byte*>(sqlite3_column_blob(statement_.get(), column));
    auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return bytes == nullptr ? Bytes() : Bytes(bytes, bytes + size);
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_status_ = SQLITE_OK;
};

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path) {
  sqlite3* connection = nullptr;
  int status = sqlite3_open_v2(
      path.c_str(), &connection,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW,
      nullptr);
  std::unique_ptr<Database> database(new Database(connection));  // SQLite wants it closed anyway
  if (status != SQLITE_OK) return fail(sqlite_error(connection, status, "open " + path.string()));
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  NAE_TRY(database->run_script(kSettings));
  return database;
}

Result<Statement> Database::run(std::string_view sql, std::span<const sql::Value> values) {
  sqlite3_stmt* statement = nullptr;
  int status = sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                  &statement, nullptr);
  if (status != SQLITE_OK) return fail(sqlite_error(connection_.get(), status, "prepare"));
  auto prepared = std::make_unique<Prepared>(statement);
  for (std::size_t i = 0; i < values.size(); ++i)
    prepared->bind(static_cast<int>(i + 1), values[i]);
  return Statement(std::move(prepared));
}

Result<void> Database::run_script(const char* sql) {
  int status = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return fail(sqlite_error(connection_.get(), status, "execute"));
  return {};
}

// IMMEDIATE takes the write lock now, so that what is read inside stays true until the commit.
Result<void> Database::begin() {
  return execute("BEGIN IMMEDIATE");
}

Result<sql::Outcome> Database::commit() {
  NAE_TRY(execute("COMMIT"));
  return sql::Outcome::committed;
}

// Fails when SQLite rolled back already (disk full, I/O error): then there is nothing to undo.
void Database::roll_back() {
  static_cast<void>(execute("ROLLBACK"));
}

// secure_delete overwrites rows, but their old pages stand in the write-ahead log until a
// checkpoint. Another process that reads the store can put that off to the next one; what was to be
// done is done.
void Database::erase_remains() {
  static_cast<void>(execute("PRAGMA wal_checkpoint(TRUNCATE)"));
}

Result<std::int64_t> Database::schema() {
  return integer("PRAGMA user_version");
}

Result<std::int64_t> Database::schema_mark() {
  return integer("PRAGMA schema_version");
}

std::int64_t Database::newest_schema() const {
  return sqlite::newest_schema();
}

Result<std::int64_t> Database::check_schema() {
  return sqlite::check_schema(*this);
}

Result<void> Database::forget_ledger() {
  return sqlite::forget_ledger(*this);
}

}  // namespace nae::store::sqlite
