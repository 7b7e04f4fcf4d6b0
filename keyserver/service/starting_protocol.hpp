// StartingProtocol: what an agent hears from a key server that waits to start: one error, then the
// end of the connection. The agent asks other servers meanwhile and comes back.
#pragma once

#include <functional>

#include "libnae/base/result.hpp"
#include "libnae/wire/frame.hpp"
#include "net/connection.hpp"
#include "net/protocol.hpp"

namespace nae::service {

class StartingProtocol final : public net::Protocol {
 public:
  StartingProtocol(net::Connection& connection, Error trouble)
      : connection_(connection),
        trouble_(std::move(trouble)),
        assembler_(wire::kMaxFrameBytesBeforeHello) {}

  ByteSpan receive_space() override { return assembler_.prepare(wire::kMaxFrameBytesBeforeHello); }
  bool received(std::size_t bytes) override;

 private:
  net::Connection& connection_;
  Error trouble_;
  wire::FrameAssembler assembler_;
};

// `trouble` is asked at each connection, on its thread.
net::ProtocolFactory starting_protocol(std::function<Error()> trouble);

}  // namespace nae::service
