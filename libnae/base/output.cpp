#include "libnae/base/output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

namespace nae {

DescriptorBuffer::DescriptorBuffer(int descriptor) : descriptor_(descriptor) {
  setp(buffer_.data(), buffer_.data() + buffer_.size());
}

DescriptorBuffer::~DescriptorBuffer() {
  DescriptorBuffer::sync();
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type next) {
  if (sync() != 0) return traits_type::eof();
  if (!traits_type::eq_int_type(next, traits_type::eof())) {
    *pptr() = traits_type::to_char_type(next);
    pbump(1);
  }
  return traits_type::not_eof(next);
}

int DescriptorBuffer::sync() {
  const char* at = pbase();
  while (failed_ == 0 && at < pptr()) {
    const ssize_t part = ::write(descriptor_, at, static_cast<std::size_t>(pptr() - at));
    if (part >= 0)
      at += part;
    else if (errno != EINTR)
      failed_ = errno;
  }
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  errno = failed_;
  return failed_ == 0 ? 0 : -1;
}

Result<void> written(std::ostream& out, bool* reader_left) {
  errno = 0;
  // Not out.flush(): that asks nobody once the stream has failed, and the reason would be unknown.
  const bool flushed = out.rdbuf() != nullptr && out.rdbuf()->pubsync() == 0;
  const int reason = errno;
  if (flushed && out.good()) return {};
  if (reader_left) *reader_left = reason == EPIPE;
  return fail(Code::file_failed,
              std::string("the output could not be written") +
                  (reason != 0 ? std::string(": ") + std::strerror(reason) : std::string()),
              "Write to where there is room.");
}

void open_standard_descriptors() {
  for (int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    // The lowest free number is this one. Reading it ends at once, writing to it fails.
    if (::open("/dev/null", O_RDONLY) != number) std::_Exit(EXIT_FAILURE);
  }
  // signal(2) fails for signals that do not exist.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
}

}  // namespace nae
