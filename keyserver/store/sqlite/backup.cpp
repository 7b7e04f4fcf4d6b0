#include "keyserver/store/sqlite/backup.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "keyserver/store/sqlite/sqlite.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/base/file.hpp"

namespace nae::store::sqlite {
namespace {

constexpr int kAllPages = -1;
constexpr const char* kCustodyFact = "custody";
constexpr unsigned kMode = 0600;

struct Close {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
using Connection = std::unique_ptr<sqlite3, Close>;

Result<Connection> open(const std::filesystem::path& file, int access) {
  sqlite3* connection = nullptr;
  const int status = sqlite3_open_v2(
      file.c_str(), &connection,
      access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW, nullptr);
  Connection opened(connection);  // SQLite wants it closed anyway
  if (status != SQLITE_OK) return fail(sqlite_error(connection, status, "open " + file.string()));
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  return opened;
}

// In one step, so in one read transaction: the copy is of one moment. A store has some megabytes.
Result<void> copy_pages(sqlite3* from, sqlite3* to) {
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  if (!backup) return fail(sqlite_error(to, sqlite3_errcode(to), "begin the backup"));
  const int stepped = sqlite3_backup_step(backup, kAllPages);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE) return fail(sqlite_error(to, stepped, "copy"));
  if (finished != SQLITE_OK) return fail(sqlite_error(to, finished, "finish the backup"));
  return {};
}

Result<void> copy_store(const std::filesystem::path& store, const std::filesystem::path& beside) {
  NAE_TRY(write_new_file(beside, {}, kMode));
  NAE_ASSIGN(const Connection from, open(store, SQLITE_OPEN_READONLY));
  NAE_ASSIGN(const Connection to, open(beside, SQLITE_OPEN_READWRITE));
  return copy_pages(from.get(), to.get());
}

// As a server does at its start, and every key row: what cannot be read now cannot be restored.
Result<BackedUp> read_back(const std::filesystem::path& beside) {
  BackedUp done;
  {
    NAE_ASSIGN(auto copied, Store::open(beside));
    NAE_ASSIGN(const std::vector<keys::Key> keys, copied->load_keys());
    done.keys = keys.size();
    for (const keys::Key& key : keys) done.versions += key.versions.size();
    NAE_ASSIGN(done.custody, copied->meta(kCustodyFact));
  }
  // Without a journal beside it, to be carried away as one file.
  NAE_ASSIGN(const Connection whole, open(beside, SQLITE_OPEN_READWRITE));
  const int single =
      sqlite3_exec(whole.get(), "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
  if (single != SQLITE_OK) return fail(sqlite_error(whole.get(), single, "close the journal"));
  return done;
}

Result<void> flush(const std::filesystem::path& name, int flags) {
  const int descriptor = ::open(name.c_str(), flags | O_RDONLY | O_CLOEXEC);
  const int status = descriptor < 0 ? -1 : ::fsync(descriptor);
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (status != 0) return fail(Code::file_failed, name.string() + ": " + std::strerror(reason));
  return {};
}

}  // namespace

Result<BackedUp> back_up(const std::filesystem::path& store, const std::filesystem::path& copy) {
  if (!name_is_taken(store))
    return fail(Code::not_initialised, "there is no store at " + store.string());
  if (name_is_taken(copy))
    return fail(Code::file_failed, copy.string() + " exists already and is not overwritten",
                "Give each backup a name of its own.");
  std::filesystem::path beside = copy;
  beside += ".new";
  auto remove_remains = [&] {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
      ::unlink((beside.string() + suffix).c_str());
  };
  remove_remains();
  auto copied = copy_store(store, beside);
  auto done = copied ? read_back(beside) : Result<BackedUp>(fail(copied.error()));
  if (done)
    if (auto flushed = flush(beside, 0); !flushed) done = fail(flushed.error());
  // link() refuses to overwrite where rename() would not.
  if (done && ::link(beside.c_str(), copy.c_str()) != 0)
    done = fail(Code::file_failed, copy.string() + ": " + std::strerror(errno));
  remove_remains();
  if (done) NAE_TRY(flush(copy.has_parent_path() ? copy.parent_path() : ".", O_DIRECTORY));
  return done;
}

}  // namespace nae::store::sqlite
