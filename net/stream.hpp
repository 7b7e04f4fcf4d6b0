// Stream: a non-blocking byte stream on a descriptor, with or without TLS. It never waits: it says
// what it waits for.
#pragma once

#include <cstdint>
#include <string_view>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "net/peer_identity.hpp"

namespace nae::net {

class TlsContext;

enum class IoState : std::uint8_t {
  done,         // `bytes` were moved, or the handshake is complete
  wants_read,   // call again when the descriptor is readable
  wants_write,  // call again when the descriptor is writable
  closed,       // the peer ended the stream in order
  failed,       // see error()
};

struct Io {
  IoState state = IoState::done;
  std::size_t bytes = 0;
};

class Stream {
 public:
  virtual ~Stream() = default;

  virtual int descriptor() const = 0;
  virtual Io handshake() = 0;
  virtual Io read_some(ByteSpan into) = 0;
  virtual Io write_some(ByteView from) = 0;
  // Tells the peer that nothing more will come. Best effort, once.
  virtual void shutdown() = 0;
  // After a read that filled less than it was offered: may more be waiting in this stream, so that
  // another read pays?
  virtual bool may_hold_more() const = 0;

  // After the handshake: would the peer's certificate be accepted under `context` as well? Its
  // authorities may be others than those that the connection began with.
  virtual Result<void> verify_again(const TlsContext& context) {
    (void)context;
    return {};
  }

  // After the handshake.
  virtual const PeerIdentity& peer() const = 0;
  virtual std::string_view protocol() const = 0;  // ALPN; empty without TLS
  // Where the peer comes from when it is not the socket's other end; else empty.
  virtual std::string_view stated_address() const { return {}; }

  const Error& error() const { return error_; }

 protected:
  Io failed(Error error) {
    error_ = std::move(error);
    return {IoState::failed, 0};
  }

 private:
  Error error_;
};

}  // namespace nae::net
