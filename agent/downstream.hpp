// Downstream: the agent's side of one client's connection: hello, attestation, contexts, and the
// requests that the broker carries on.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

#include "agent/attestation.hpp"
#include "agent/broker.hpp"
#include "agent/client_order.hpp"
#include "agent/context.hpp"
#include "libnae/base/result.hpp"
#include "libnae/wire/frame.hpp"
#include "libnae/wire/lookup.hpp"
#include "net/connection.hpp"
#include "net/protocol.hpp"
#include "net/reception.hpp"

namespace nae::agent {

// What all clients share.
struct DownstreamServices {
  Broker& broker;
  ContextRegistry& contexts;
  // Which program is at the other end of a socket.
  std::function<Result<AttestedProgram>(int descriptor)> attest;
  // The same by the table that is in force now, of what was seen of the process before.
  std::function<Result<AttestedProgram>(const PeerProcess& seen)> attest_again;
  std::function<Table()> statistics;
  std::uint32_t max_outstanding = 0;
  std::chrono::milliseconds frame_timeout{0};  // from a frame's first byte to its last
  // For half-received frames of clients that say which program they are, a share for each process.
  std::shared_ptr<net::MemoryBudget> memory;
  ClientOrder& order;
};

class Downstream final : public net::Protocol, public Asker, public Seated {
 public:
  Downstream(net::Connection& connection, const DownstreamServices& services);

  ByteSpan receive_space() override;
  bool received(std::size_t bytes) override;
  bool batch_received() override;
  bool still_admitted() override;
  void begin_shutdown() override { stopping_ = true; }
  bool busy() const override { return outstanding_ > 0; }
  void dismissed(const Error& reason) override;
  void closed(const Error& reason) override;

  bool idle() const override;
  bool stranger() const override { return !accepted_ && !program_; }
  net::Connection& connection() override { return connection_; }

  void deliver(std::uint64_t id, ByteView frame) override;
  void refuse(std::uint64_t id, const Error& error) override;
  void tell_epoch(std::uint64_t epoch) override;

 private:
  // It has as much under way as one client may.
  bool has_enough() const;
  bool has_room_again() const;
  bool handle_waiting_frames();
  bool handle_frames();
  void end_late(Error error);
  bool handle(const wire::Frame& frame);
  bool handle_hello(const wire::Frame& frame);
  bool handle_open_context(const wire::Frame& frame);
  bool handle_close_context(const wire::Frame& frame);
  void close_context(std::uint32_t number);
  bool handle_crypto(const wire::Frame& frame);
  bool handle_lookup(const wire::Frame& frame);
  void submit(std::uint64_t id, std::uint32_t context, bool repeatable, bool counted);
  // The request fails, the connection goes on / the connection ends after these words.
  bool answer_error(std::uint64_t id, Error error);
  bool end_with(std::uint64_t id, Error error);
  void settled();

  net::Connection& connection_;
  const DownstreamServices& services_;
  ClientOrder::Place place_;
  wire::FrameAssembler assembler_;
  net::Reception reception_;  // of the frame under way; before hello, of that
  // As it was when the connection was taken. A process that becomes another program before it says
  // hello, or hands the connection on, is not what it was asked as.
  const Result<AttestedProgram> accepted_;
  std::optional<AttestedProgram> program_;  // present once hello was accepted
  wire::Limits limits_;
  struct Opened {
    ContextPtr context;
    std::size_t bytes = 0;  // of the frame that opened it
  };
  std::unordered_map<std::uint32_t, Opened> contexts_;
  std::size_t context_bytes_ = 0;
  std::uint32_t outstanding_ = 0;
  std::uint64_t frames_ = 0;  // that were handled
  bool paused_ = false;
  bool stopping_ = false;
};

}  // namespace nae::agent
