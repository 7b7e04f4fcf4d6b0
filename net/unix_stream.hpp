// UnixStream: a connected Unix socket as a Stream. The peer is a process of this host; who it is,
// the agent's attestation finds out.
#pragma once

#include <memory>

#include "net/stream.hpp"

namespace nae::net {

class UnixStream final : public Stream {
 public:
  // The descriptor stays the caller's.
  explicit UnixStream(int descriptor) : descriptor_(descriptor) {}

  int descriptor() const override { return descriptor_; }
  Io handshake() override { return {IoState::done, 0}; }
  Io read_some(ByteSpan into) override;
  Io write_some(ByteView from) override;
  void shutdown() override;
  // A short read has drained the socket; what comes later is announced by readiness.
  bool may_hold_more() const override { return false; }
  const PeerIdentity& peer() const override { return peer_; }
  std::string_view protocol() const override { return {}; }

 private:
  Io outcome(const char* doing);

  int descriptor_;
  PeerIdentity peer_;
};

}  // namespace nae::net
