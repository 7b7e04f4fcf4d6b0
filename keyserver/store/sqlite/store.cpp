#include "keyserver/store/sqlite/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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
  return std::make_unique<Store>(std::move(database));
}

}  // namespace nae::store::sqlite
