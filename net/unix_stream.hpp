// UnixStream: a connected Unix socket as a Stream. The peer is a process of this host; who it is,
// the agent's attestation finds out.
#pragma once

#include <sys/types.h>

#include <memory>

#include "net/stream.hpp"

namespace nae::net {

// Whose bytes a Unix socket takes. A process hands its end of a connection to another one by fork,
// by exec or through a socket, and what the agent knows is about the one that connected.
enum class Writers : std::uint8_t { any, connected_process };

// On a listening socket, before anybody connects: the kernel then says with each byte whose it is.
bool enable_writer_credentials(int listening);

class UnixStream final : public Stream {
 public:
  // The descriptor stays the caller's. Writers::connected_process needs a socket that was accepted
  // after enable_writer_credentials(); bytes of any other process end the stream with
  // Code::program_unknown.
  explicit UnixStream(int descriptor, Writers writers = Writers::any);

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
  Writers writers_;
  pid_t connected_ = 0;  // the process that did, where writers are checked
  PeerIdentity peer_;
};

}  // namespace nae::net
