#include "keyserver/audit/directory_state.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "keyserver/audit/file.hpp"

namespace nae::audit {

Result<DiskSpace> check_directory(const std::filesystem::path& directory) {
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) != 0) return system_failure("look at", directory, errno);
  if (::access(directory.c_str(), W_OK) != 0) return system_failure("write to", directory, errno);
  if (disk.f_bavail == 0) return system_failure("write to", directory, ENOSPC);
  return DiskSpace{std::uint64_t{disk.f_bavail} * disk.f_frsize,
                   std::uint64_t{disk.f_blocks} * disk.f_frsize};
}

}  // namespace nae::audit
