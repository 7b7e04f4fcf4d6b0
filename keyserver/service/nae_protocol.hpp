// NaeProtocol: the key server's side of nae/1 on one connection. docs/spec/wire.md.
#pragma once

#include <memory>
#include <unordered_map>

#include "keyserver/audit/batch.hpp"
#include "keyserver/service/caller.hpp"
#include "keyserver/service/parts.hpp"
#include "keyserver/service/request.hpp"
#include "libnae/wire/frame.hpp"
#include "net/connection.hpp"

namespace nae::service {

// One connection's thread. Whatever one read brought is served, recorded with one write to the
// audit log and answered with one write to the socket.
class NaeProtocol final : public net::Protocol {
 public:
  // The peer is a device: protocol_for() below refuses others.
  NaeProtocol(net::Connection& connection, const Parts& parts);
  ~NaeProtocol() override;

  ByteSpan receive_space() override { return assembler_.prepare(kReadBytes); }
  bool received(std::size_t bytes) override;
  bool batch_received() override;
  void begin_shutdown() override { stopping_ = true; }
  bool busy() const override { return waiting_ > 0; }

 private:
  static constexpr std::size_t kReadBytes = 64u << 10;

  // A request on its way through the HSM, with its own copy of its frame's body.
  struct Waiting {
    std::uint64_t id = 0;
    std::shared_ptr<Caller> caller;  // who asked, whoever has the context's number by now
    Bytes body;
    Prepared prepared;
    int rounds = 0;
  };

  bool on_frame(const wire::Frame& frame);
  bool admitted();
  bool refuse_removed(std::uint64_t request_id);
  bool on_hello(const wire::Frame& frame);
  bool on_open_context(const wire::Frame& frame);
  bool on_close_context(const wire::Frame& frame);
  void close_context(std::uint32_t number);
  bool on_crypto(const wire::Frame& frame);
  bool on_lookup(const wire::Frame& frame);

  std::shared_ptr<Caller> caller(std::uint32_t context) const;
  bool may_wait(std::size_t body_bytes) const;
  void ask_hsm(std::shared_ptr<Waiting> waiting, HsmWork work);
  void resume(const std::shared_ptr<Waiting>& waiting, Result<Prepared> prepared);
  // Writes the records, then lets the replies go; refuses them all when that fails.
  void commit();
  bool violation(std::uint64_t request_id, Error error);
  void answer_error(std::uint64_t request_id, Error error);
  // An error whose record is not a caller's: there is none.
  void refuse_stranger(std::uint64_t request_id, const audit::Context& context,
                       audit::Record record, Error error);

  net::Connection& connection_;
  const Parts& parts_;
  wire::FrameAssembler assembler_;
  wire::Limits limits_;
  bool greeted_ = false;
  bool stopping_ = false;
  std::size_t waiting_ = 0;
  std::size_t waiting_bytes_ = 0;
  std::size_t key_lookups_ = 0;    // in this batch
  std::uint64_t told_epoch_ = 0;   // the peer knows of this one
  std::uint64_t admitted_in_ = 0;  // the register's generation that admitted the peer
  struct Opened {
    std::shared_ptr<Caller> caller;
    std::size_t bytes = 0;  // of the frame that opened the context
  };
  std::unordered_map<std::uint32_t, Opened> callers_;
  std::size_t context_bytes_ = 0;
  Bytes replies_;  // held back until their records are written
  audit::Batch records_;
  std::vector<std::uint64_t> recorded_ids_;
  std::shared_ptr<NaeProtocol*> self_;  // what late answers of the HSM find the protocol by
};

// For the listener: nullptr unless the peer's certificate names a device.
net::ProtocolFactory protocol_for(const Parts& parts);

}  // namespace nae::service
