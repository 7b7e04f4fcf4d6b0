#include "libnae/base/secret_file.hpp"

namespace nae {

Result<void> check_secrecy(const struct stat& status, const std::filesystem::path& file) {
  if (!S_ISREG(status.st_mode))
    return fail(Code::file_failed, file.string() + " is not a regular file");
  // With an access control list the group's bits are the most that anybody in it may do.
  const mode_t forbidden = status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if ((status.st_mode & forbidden) == 0) return {};
  return fail(Code::file_failed,
              file.string() + " is secret, and may be opened by others than its owner",
              "Run 'chmod 600 " + file.string() + "'.");
}

}  // namespace nae
