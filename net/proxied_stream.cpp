#include "net/proxied_stream.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace nae::net {

Io ProxiedStream::handshake() {
  if (!header_read_)
    if (const Io io = read_header(); io.state != IoState::done) return io;
  return outcome(inner_->handshake());
}

// Never more than the header: what follows is for TLS.
Io ProxiedStream::read_header() {
  while (have_ < wanted_) {
    const ssize_t got = ::recv(descriptor(), header_.data() + have_, wanted_ - have_, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {IoState::wants_read, 0};
    if (got < 0)
      return failed(
          Error(Code::connection_lost, std::string("PROXY header: ") + std::strerror(errno)));
    // A balancer's health check may say nothing at all.
    if (got == 0) return {IoState::closed, 0};
    have_ += static_cast<std::size_t>(got);
    if (have_ != kProxyFixedBytes) continue;
    auto bytes = proxy_header_bytes(ByteView(header_).first(kProxyFixedBytes));
    if (!bytes) return failed(std::move(bytes).error());
    wanted_ = *bytes;
  }
  auto header = parse_proxy_header(ByteView(header_).first(have_));
  if (!header) return failed(std::move(header).error());
  source_ = std::move(header->source);
  header_read_ = true;
  return {IoState::done, 0};
}

}  // namespace nae::net
