#include "keyserver/store/sqlite/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "keyserver/store/ledger_item.hpp"
#include "keyserver/store/sqlite/recorded.hpp"
#include "keyserver/store/sqlite/schema.hpp"

namespace nae::store::sqlite {
namespace {

tl::unexpected<Error> system_failure(const std::filesystem::path& path) {
  return fail(Code::store_unavailable, "store: " + path.string() + ": " + std::strerror(errno));
}

// Only the owner may read it, from the first moment on; SQLite gives -wal and -shm the same mode.
Result<void> make_private_file(const std::filesystem::path& path) {
  int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return system_failure(path);
  ::close(file);
  return {};
}

Result<void> make_directory_durable(const std::filesystem::path& directory) {
  int handle = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return system_failure(directory);
  int status = ::fsync(handle);
  ::close(handle);
  if (status != 0) return system_failure(directory);
  return {};
}

Result<void> build(const std::filesystem::path& path) {
  NAE_TRY(make_private_file(path));
  NAE_ASSIGN(auto database, Database::open(path));
  return migrate(*database);
}

}  // namespace

Store::Store(std::unique_ptr<Database> database)
    : database_(std::move(database)), ledger_(std::make_unique<LedgerTable>(*database_)) {}
Store::~Store() = default;

// Built beside its place and linked there when complete: a crash leaves no half a store, and
// link() refuses to overwrite where rename() would not.
Result<std::unique_ptr<Store>> Store::create(const std::filesystem::path& path) {
  if (std::filesystem::exists(std::filesystem::symlink_status(path)))
    return fail(Code::already_initialised, "the store " + path.string() + " exists already");
  std::filesystem::path beside = path;
  beside += ".new";
  auto remove_remains = [&] {
    for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((beside.string() + suffix).c_str());
  };
  remove_remains();
  auto built = build(beside);
  int linked = built ? ::link(beside.c_str(), path.c_str()) : -1;
  int reason = errno;
  remove_remains();
  if (!built) return fail(built.error());
  if (linked != 0 && reason == EEXIST)
    return fail(Code::already_initialised, "the store " + path.string() + " exists already");
  errno = reason;
  if (linked != 0) return system_failure(path);
  NAE_TRY(make_directory_durable(path.has_parent_path() ? path.parent_path() : "."));
  return open(path);
}

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return fail(Code::not_initialised, "there is no store at " + path.string());
  NAE_ASSIGN(auto database, Database::open(path));
  NAE_TRY(check_soundness(*database));
  NAE_TRY(migrate(*database));
  return std::unique_ptr<Store>(new Store(std::move(database)));
}

Result<void> Store::set_meta(std::string_view name, std::string_view value) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  {
    NAE_ASSIGN(Statement known, database_->query("SELECT value FROM meta WHERE name = ?1", name));
    NAE_ASSIGN(bool found, known.step());
    if (found && known.text(0) == value) return {};
    if (found) return fail(Code::conflict, "the store has another " + std::string(name));
  }
  NAE_TRY(change.touch(Noun::fact, identity_of(name)));
  NAE_TRY(database_->execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", name, value));
  return change.commit(ChangeKind::fact_set);
}

Result<std::optional<std::string>> Store::meta(std::string_view name) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement known, database_->query("SELECT value FROM meta WHERE name = ?1", name));
  NAE_ASSIGN(bool found, known.step());
  if (!found) {
    NAE_TRY(ledger_->check({Noun::fact, identity_of(name), std::nullopt}));
    return std::nullopt;
  }
  std::string value = known.text(0);
  NAE_TRY(ledger_->check(item_of_fact(name, value)));
  return value;
}

Result<void> Store::check() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_ASSIGN(std::int64_t version, database_->integer("PRAGMA user_version"));
  if (version != newest_schema())
    return fail(Code::store_version, "the store was migrated by another server");
  return {};
}

}  // namespace nae::store::sqlite
