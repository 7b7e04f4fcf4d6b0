// The yardstick: a server that sends back what it gets over TLS 1.3, with nothing around OpenSSL,
// epoll and the socket. What travels through it costs what the transport alone costs.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "benchmarks/closed_loop.hpp"

namespace nae::benchmarks {

inline constexpr std::size_t kEchoFrameBytes = 100;  // about a one-row request

// A process of its own, ended with the object.
class TlsEchoServer {
 public:
  TlsEchoServer();
  ~TlsEchoServer();
  TlsEchoServer(const TlsEchoServer&) = delete;
  TlsEchoServer& operator=(const TlsEchoServer&) = delete;

  pid_t process() const { return process_; }
  Channels connect(std::size_t clients) const;

 private:
  pid_t process_ = 0;
  std::uint16_t port_ = 0;
};

}  // namespace nae::benchmarks
