// RefusingProtocol: the last word to an agent that is not served on this connection: its hello is
// answered by one error, and the connection ends.
#pragma once

#include <chrono>
#include <optional>

#include "keyserver/protocols/nae1/device_seats.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/frame.hpp"
#include "net/connection.hpp"
#include "net/protocol.hpp"
#include "net/receive_deadline.hpp"

namespace nae::nae1 {

// On its connection's thread.
class RefusingProtocol final : public net::Protocol {
 public:
  // The connection also ends when the hello has not come within `hello_timeout`. `seat`: bounds
  // the number of such connections where a peer may open any number of them.
  RefusingProtocol(net::Connection& connection, wire::ErrorMessage refusal,
                   std::chrono::milliseconds hello_timeout,
                   std::optional<DeviceSeats::Seat> seat = {});

  ByteSpan receive_space() override { return assembler_.prepare(wire::kMaxFrameBytesBeforeHello); }
  bool received(std::size_t bytes) override;
  void closed(const Error& reason) override;

 private:
  net::Connection& connection_;
  const wire::ErrorMessage refusal_;
  std::optional<DeviceSeats::Seat> seat_;
  wire::FrameAssembler assembler_;
  net::ReceiveDeadline deadline_;
};

}  // namespace nae::nae1
