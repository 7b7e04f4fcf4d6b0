#include "keyserver/setup/claim.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace nae::setup {
namespace {

tl::unexpected<Error> failed(const char* what, const std::filesystem::path& directory, int error) {
  return fail(Code::file_failed, std::string("cannot ") + what + " " + directory.string() + ": " +
                                     std::strerror(error));
}

tl::unexpected<Error> taken(const std::filesystem::path& directory) {
  return fail(Code::conflict, "another nae-keyserver works in " + directory.string() + " now",
              "Wait until it has ended.");
}

}  // namespace

Result<Claim> Claim::take(const std::filesystem::path& directory) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(directory, error);
  if (error) return failed("create", directory, error.value());
  if (made && ::chmod(directory.c_str(), S_IRWXU) != 0) return failed("create", directory, errno);
  Claim claim(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (claim.descriptor_ < 0) return failed("open", directory, errno);
  if (::flock(claim.descriptor_, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? taken(directory) : failed("lock", directory, errno);
  // A run that failed removes its directory: what is locked must be what has the name now.
  struct stat locked {
  }, named{};
  if (::fstat(claim.descriptor_, &locked) != 0 || ::stat(directory.c_str(), &named) != 0 ||
      locked.st_dev != named.st_dev || locked.st_ino != named.st_ino)
    return taken(directory);
  return claim;
}

Claim::~Claim() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace nae::setup
