#include "net/unix_stream.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace nae::net {

Io UnixStream::read_some(ByteSpan into) {
  ssize_t size = ::recv(descriptor_, into.data(), into.size(), 0);
  if (size > 0) return {IoState::done, static_cast<std::size_t>(size)};
  if (size == 0) return {IoState::closed, 0};
  return errno == EAGAIN || errno == EINTR ? Io{IoState::wants_read, 0} : outcome("reading");
}

Io UnixStream::write_some(ByteView from) {
  ssize_t size = ::send(descriptor_, from.data(), from.size(), MSG_NOSIGNAL);
  if (size >= 0) return {IoState::done, static_cast<std::size_t>(size)};
  return errno == EAGAIN || errno == EINTR ? Io{IoState::wants_write, 0} : outcome("writing");
}

Io UnixStream::outcome(const char* doing) {
  return failed(Error(Code::connection_lost, std::string(doing) + ": " + std::strerror(errno)));
}

void UnixStream::shutdown() {
  ::shutdown(descriptor_, SHUT_WR);
}

}  // namespace nae::net
