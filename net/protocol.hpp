// Protocol: what is spoken on one connection, without the connection's input and output. Every call
// comes on the connection's own thread.
#pragma once

#include <functional>
#include <memory>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::net {

class Connection;

class Protocol {
 public:
  virtual ~Protocol() = default;

  // Where the next bytes are read to; never empty.
  virtual ByteSpan receive_space() = 0;
  // `bytes` were read into that space. Answers go to connection.output(). False: what is in the
  // output is still sent, nothing more is read, then the connection closes.
  virtual bool received(std::size_t bytes) = 0;
  // The socket is drained for now (or this connection had its share of the thread); the output is
  // flushed right after. Work that gains from being done together is done here. False as above.
  virtual bool batch_received() { return true; }

  // Asked when certificates were removed: is the peer's still good? False: what is in the output is
  // still sent, then the connection closes.
  virtual bool still_admitted() { return true; }

  // What this side has to say of itself has changed: it goes to connection.output().
  virtual void changed() {}

  // The connection ends now, for `reason`: a last word may go to connection.output().
  virtual void dismissed(const Error& reason) { (void)reason; }

  // Graceful stop: take no new requests; while busy() answers true the connection stays, until the
  // listener's deadline. It is asked again after every flush.
  virtual void begin_shutdown() {}
  virtual bool busy() const { return false; }

  // Space came free after output() was above its bound, or reading was resumed.
  virtual void writable() {}
  // Last call. `reason` is empty (Code::internal, no message) when the peer closed in order.
  virtual void closed(const Error& reason) { (void)reason; }
};

// Makes the protocol of a connection whose handshake is complete. May answer nullptr to refuse it.
using ProtocolFactory = std::function<std::unique_ptr<Protocol>(Connection&)>;

}  // namespace nae::net
