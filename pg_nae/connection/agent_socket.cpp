#include "pg_nae/connection/agent_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace nae::backend {
namespace {

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

std::string unreachable(const char* path, int error) {
  return "could not connect to nae-agent at \"" + std::string(path) + "\": " + std::strerror(error);
}

}  // namespace

Result<AgentSocket> AgentSocket::connect(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::size_t length = std::strlen(path);
  if (length == 0 || length > kMaxSocketPathBytes)
    return fail(Code::config_invalid, "nae.agent_socket is not set to a usable path",
                "Set nae.agent_socket to the absolute path of nae-agent's socket, at most 107 "
                "bytes long.");
  std::memcpy(address.sun_path, path, length);
  AgentSocket opened(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (opened.descriptor_ < 0) return fail(Code::agent_unavailable, unreachable(path, errno));
  int rc;
  do {
    rc = ::connect(opened.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } while (rc != 0 && errno == EINTR);
  if (rc != 0)
    return fail(would_block(errno) ? Code::overloaded : Code::agent_unavailable,
                unreachable(path, errno));
  return opened;
}

AgentSocket::~AgentSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::size_t> AgentSocket::send(ByteView bytes) {
  for (;;) {
    ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (would_block(errno)) return std::size_t{0};
    if (errno != EINTR)
      return fail(Code::connection_lost,
                  std::string("connection to nae-agent lost: ") + std::strerror(errno));
  }
}

Result<std::size_t> AgentSocket::receive(ByteSpan space) {
  for (;;) {
    ssize_t got = ::recv(descriptor_, space.data(), space.size(), 0);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0)
      return fail(Code::connection_lost, "connection to nae-agent lost: nae-agent closed it");
    if (would_block(errno)) return std::size_t{0};
    if (errno != EINTR)
      return fail(Code::connection_lost,
                  std::string("connection to nae-agent lost: ") + std::strerror(errno));
  }
}

bool AgentSocket::peer_closed() const {
  // What the agent pushed meanwhile may still be unread; the end shows behind it.
  pollfd watched{descriptor_, POLLRDHUP, 0};
  return ::poll(&watched, 1, 0) > 0;
}

}  // namespace nae::backend
