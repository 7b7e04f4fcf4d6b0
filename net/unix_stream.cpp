#include "net/unix_stream.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace nae::net {

namespace {

pid_t connected_process(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

// 0 when the kernel did not say.
pid_t writer_of(msghdr& message) {
  const cmsghdr* control = CMSG_FIRSTHDR(&message);
  if (control == nullptr || control->cmsg_level != SOL_SOCKET ||
      control->cmsg_type != SCM_CREDENTIALS || control->cmsg_len < CMSG_LEN(sizeof(ucred)))
    return 0;
  ucred writer{};
  std::memcpy(&writer, CMSG_DATA(control), sizeof writer);
  return writer.pid;
}

}  // namespace

bool enable_writer_credentials(int listening) {
  const int on = 1;
  return ::setsockopt(listening, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0;
}

UnixStream::UnixStream(int descriptor, Writers writers)
    : descriptor_(descriptor),
      writers_(writers),
      connected_(writers == Writers::any ? 0 : connected_process(descriptor)) {}

Io UnixStream::read_some(ByteSpan into) {
  iovec space{into.data(), into.size()};
  // Room for credentials and nothing else: descriptors that a peer sends along are closed.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
  msghdr message{};
  message.msg_iov = &space;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(descriptor_, &message, MSG_CMSG_CLOEXEC);
  // The kernel puts bytes of two writers into two messages.
  if (size > 0 && writers_ == Writers::connected_process) {
    const pid_t writer = writer_of(message);
    if (writer == 0 || writer != connected_)
      return failed(Error(Code::program_unknown, "process " + std::to_string(writer) +
                                                     " wrote on a connection of process " +
                                                     std::to_string(connected_)));
  }
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
