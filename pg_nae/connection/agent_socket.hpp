// AgentSocket: the non-blocking Unix socket to nae-agent. Never waits: who calls waits by latch.
#pragma once

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::backend {

// sun_path holds 108 bytes with its terminator.
inline constexpr std::size_t kMaxSocketPathBytes = 107;

class AgentSocket {
 public:
  // Code::agent_unavailable when nobody listens, Code::overloaded when the agent's queue of new
  // connections is full: worth another try within the caller's time.
  static Result<AgentSocket> connect(const char* path);

  AgentSocket(AgentSocket&& other) noexcept : descriptor_(other.descriptor_) {
    other.descriptor_ = -1;
  }
  AgentSocket& operator=(AgentSocket&&) = delete;
  ~AgentSocket();

  int descriptor() const { return descriptor_; }

  // Bytes moved; 0 when the socket would block; Code::connection_lost when the peer is gone.
  Result<std::size_t> send(ByteView bytes);
  Result<std::size_t> receive(ByteSpan space);

  // The agent closed its end while nobody looked.
  bool peer_closed() const;

 private:
  explicit AgentSocket(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace nae::backend
