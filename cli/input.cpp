#include "cli/input.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libnae/base/file.hpp"

namespace nae::cli {
namespace {

Result<std::string> read_standard_input(std::size_t max_bytes) {
  std::string text(max_bytes + 1, '\0');  // never moved: see the header
  std::size_t size = 0;
  while (size <= max_bytes) {
    const ssize_t got = ::read(STDIN_FILENO, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(Code::file_failed,
                  std::string("cannot read standard input: ") + std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > max_bytes)
    return fail(Code::file_failed,
                "standard input is longer than " + std::to_string(max_bytes) + " bytes",
                "Check what is piped into it.");
  if (size == 0)
    return fail(Code::file_failed, "standard input is empty",
                "Check the command that writes into it; '-' can be read once.");
  text.resize(size);
  return text;
}

}  // namespace

Result<std::string> content_of(const std::string& file, std::size_t max_bytes) {
  return file == "-" ? read_standard_input(max_bytes) : read_file(file, max_bytes);
}

}  // namespace nae::cli
