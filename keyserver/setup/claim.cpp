#include "keyserver/setup/claim.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace nae::setup {
namespace {

tl::unexpected<Error> failed(const char* what, const std::filesystem::path& path, int error) {
  return fail(Code::file_failed,
              std::string("cannot ") + what + " " + path.string() + ": " + std::strerror(error));
}

tl::unexpected<Error> taken(const std::filesystem::path& path, int kind) {
  return fail(Code::conflict,
              "another nae-keyserver works " +
                  ((kind & O_DIRECTORY) != 0 ? "in " + path.string()
                                             : "on the token whose PIN is in " + path.string()) +
                  " now",
              "Wait until it has ended.");
}

}  // namespace

Result<Claim> Claim::lock(const std::filesystem::path& path, int kind) {
  // A pipe in a file's place must not hold us until somebody writes to it.
  Claim claim(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | kind));
  if (claim.descriptor_ < 0) return failed("open", path, errno);
  if (::flock(claim.descriptor_, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? taken(path, kind) : failed("lock", path, errno);
  // A run that failed removes its directory: what is locked must be what has the name now.
  struct stat locked {
  }, named{};
  if (::fstat(claim.descriptor_, &locked) != 0 || ::stat(path.c_str(), &named) != 0 ||
      locked.st_dev != named.st_dev || locked.st_ino != named.st_ino)
    return taken(path, kind);
  return claim;
}

Result<Claim> Claim::take(const std::filesystem::path& directory) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(directory, error);
  if (error) return failed("create", directory, error.value());
  if (made && ::chmod(directory.c_str(), S_IRWXU) != 0) return failed("create", directory, errno);
  return lock(directory, O_DIRECTORY);
}

Result<Claim> Claim::take_existing(const std::filesystem::path& directory) {
  return lock(directory, O_DIRECTORY);
}

Result<Claim> Claim::take_token(const std::filesystem::path& pin_file) {
  return lock(pin_file, 0);
}

Claim::~Claim() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace nae::setup
