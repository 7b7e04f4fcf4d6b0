// NaeProtocol: the key server's side of nae/1 on one connection. docs/spec/wire.md.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "keyserver/operations/lookup.hpp"
#include "keyserver/protocols/nae1/device_seats.hpp"
#include "keyserver/protocols/nae1/held_answers.hpp"
#include "keyserver/protocols/nae1/open_contexts.hpp"
#include "keyserver/protocols/nae1/parts.hpp"
#include "keyserver/protocols/nae1/waiting_requests.hpp"
#include "libnae/wire/frame.hpp"
#include "net/connection.hpp"
#include "net/reception.hpp"

namespace nae::nae1 {

// One connection's thread. Whatever one read brought is served, recorded with one write to the
// audit log and answered with one write to the socket.
class NaeProtocol final : public net::Protocol {
 public:
  // The peer is a device: protocol_for() refuses others.
  NaeProtocol(net::Connection& connection, const Parts& parts, DeviceSeats::Seat seat);
  ~NaeProtocol() override;

  ByteSpan receive_space() override { return assembler_.prepare(kReadBytes); }
  bool received(std::size_t bytes) override;
  bool batch_received() override;
  bool still_admitted() override { return admitted() || refuse_removed(0); }
  void changed() override;
  void dismissed(const Error& reason) override;
  void begin_shutdown() override { stopping_ = true; }
  bool busy() const override { return !waiting_.empty(); }
  void closed(const Error& reason) override;

 private:
  static constexpr std::size_t kReadBytes = 64u << 10;

  bool serve_frames();
  bool on_frame(const wire::Frame& frame);
  bool admitted();
  bool refuse_removed(std::uint64_t request_id);
  bool on_hello(const wire::Frame& frame);
  bool on_open_context(const wire::Frame& frame);
  bool on_close_context(const wire::Frame& frame);
  bool on_crypto(const wire::Frame& frame);
  bool on_lookup(const wire::Frame& frame);
  void answer_lookup(std::uint64_t id, const Table& table, audit::Record& record);

  void ask_hsm(const std::shared_ptr<WaitingRequest>& waiting, operations::HsmWork work);
  void resume(const std::shared_ptr<WaitingRequest>& waiting,
              Result<operations::Prepared> prepared);
  void release_answers();
  void count_denials();
  void end_with(const Error& error);
  void observe_served();
  bool violation(std::uint64_t request_id, const Error& error);
  audit::ContextFragment unknown_asker() const;
  // Nothing is known of a request of a later time.
  void refuse_request(std::uint64_t id, const std::optional<wire::CryptoHead>& known,
                      const Error& error);

  net::Connection& connection_;
  const Parts& parts_;
  DeviceSeats::Seat seat_;
  wire::FrameAssembler assembler_;
  net::Reception reception_;   // of the frame under way; before hello, of that
  const std::string address_;  // of the device, without the port
  wire::Limits limits_;
  std::int64_t now_us_ = 0;                          // Unix time of what is being served
  metrics::Latency::Clock::time_point received_at_;  // of the read that is being served
  std::vector<Action> served_;                       // of this read, without what waits for the HSM
  bool greeted_ = false;
  bool stopping_ = false;
  std::size_t key_lookups_ = 0;   // in this batch
  std::uint64_t told_epoch_ = 0;  // the peer knows of this one
  std::uint64_t told_state_ = 0;  // and of this generation of the state
  std::uint64_t told_nodes_ = 0;  // and of this one of the group's nodes
  bool wants_state_ = false, wants_nodes_ = false;
  std::uint64_t admitted_in_ = 0;  // the register's generation that admitted the peer
  OpenContexts contexts_;
  RequestViews views_;  // of the frame that is being served
  WaitingRequests waiting_;
  HeldAnswers answers_;
  boost::asio::steady_timer denials_timer_;
  bool denials_timer_runs_ = false;
  std::shared_ptr<NaeProtocol*> self_;  // what late answers of the HSM find the protocol by
};

}  // namespace nae::nae1
