#include "keyserver/audit/directory_lock.hpp"

#include <fcntl.h>

#include <cerrno>

namespace nae::audit {
namespace {

constexpr std::string_view kLockFile = "lock";

// Locks of the open file, not of the process (fcntl(2), "Open file description locks"): closing
// another descriptor of the file does not give them up.
struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

Result<SharedFile> lock_directory(const std::filesystem::path& directory) {
  NAE_ASSIGN(SharedFile file, open_file(directory / kLockFile, O_CREAT | O_RDWR));
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(file->descriptor(), F_OFD_SETLK, &lock) == 0) return file;
  if (errno != EAGAIN && errno != EACCES)
    return system_failure("lock", directory / kLockFile, errno);
  return fail(Code::conflict, "another server writes the audit log in " + directory.string());
}

bool is_locked(const std::filesystem::path& directory) {
  auto file = open_file(directory / kLockFile, O_RDONLY);
  struct flock lock = whole_file(F_RDLCK);
  return file && ::fcntl((*file)->descriptor(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace nae::audit
