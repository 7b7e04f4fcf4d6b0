#include "keyserver/store/sqlite/sqlite.hpp"

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

void Statement::bind(int index, std::int64_t value) {
  note(sqlite3_bind_int64(statement_.get(), index, value));
}

void Statement::bind(int index, std::string_view text) {
  note(sqlite3_bind_text64(statement_.get(), index, text.empty() ? "" : text.data(), text.size(),
                           SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int index, ByteView blob) {
  // A null pointer would bind NULL instead of an empty blob.
  static constexpr Byte kEmpty = 0;
  note(sqlite3_bind_blob64(statement_.get(), index, blob.empty() ? &kEmpty : blob.data(),
                           blob.size(), SQLITE_TRANSIENT));
}

Result<bool> Statement::step() {
  sqlite3* connection = sqlite3_db_handle(statement_.get());
  if (bind_status_ != SQLITE_OK) return fail(sqlite_error(connection, bind_status_, "bind"));
  int status = sqlite3_step(statement_.get());
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return fail(sqlite_error(connection, status, "execute"));
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return text == nullptr ? std::string() : std::string(text, size);
}

Bytes Statement::blob(int column) const {
  const auto* bytes = static_cast<const Byte*>(sqlite3_column_blob(statement_.get(), column));
  auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes == nullptr ? Bytes() : Bytes(bytes, bytes + size);
}

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

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  int status = sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                  &statement, nullptr);
  if (status != SQLITE_OK) return fail(sqlite_error(connection_.get(), status, "prepare"));
  return Statement(statement);
}

Result<void> Database::run_script(const char* sql) {
  int status = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return fail(sqlite_error(connection_.get(), status, "execute"));
  return {};
}

Result<std::int64_t> Database::integer(std::string_view sql) {
  NAE_ASSIGN(Statement statement, query(sql));
  NAE_ASSIGN(bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

// IMMEDIATE takes the write lock now, so that what is read inside stays true until the commit.
Result<Transaction> Transaction::begin(Database& database) {
  NAE_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // Fails when SQLite rolled back already (disk full, I/O error): then there is nothing to undo.
  if (database_ != nullptr) static_cast<void>(database_->execute("ROLLBACK"));
}

Result<void> Transaction::commit() {
  NAE_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace nae::store::sqlite
