#include "libnae/base/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace nae {
namespace {

tl::unexpected<Error> failed(const char* what, const std::filesystem::path& file) {
  return fail(Code::file_failed,
              std::string("cannot ") + what + " " + file.string() + ": " + std::strerror(errno));
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& file, std::size_t max_bytes) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return failed("read", file);
  std::string content(max_bytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) return failed("read", file);
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > max_bytes)
    return fail(Code::file_failed,
                file.string() + " is longer than " + std::to_string(max_bytes) + " bytes",
                "Check that it is the right file.");
  return content;
}

Result<void> write_new_file(const std::filesystem::path& file, ByteView content, unsigned mode) {
  int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (descriptor < 0 && errno == EEXIST)
    return fail(Code::file_failed, file.string() + " exists and is not overwritten",
                "Choose another directory, or move the file away.");
  if (descriptor < 0) return failed("create", file);
  bool written = true;
  for (std::size_t at = 0; written && at < content.size();) {
    ssize_t part = ::write(descriptor, content.data() + at, content.size() - at);
    if (part < 0 && errno == EINTR) continue;
    written = part > 0;
    if (written) at += static_cast<std::size_t>(part);
  }
  written = written && ::fsync(descriptor) == 0;
  int reason = errno;
  ::close(descriptor);
  errno = reason;
  if (!written) return failed("write", file);
  return {};
}

}  // namespace nae
