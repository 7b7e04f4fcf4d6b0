#include "keyserver/protocols/nae1/admission.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

#include "keyserver/operations/asked.hpp"
#include "keyserver/protocols/nae1/nae_protocol.hpp"
#include "keyserver/protocols/nae1/refusing_protocol.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::nae1 {
namespace {

// Who is not let in says hello with its handshake, or hears nothing; few do at a time, and fewer of
// one device, for they keep places from others.
constexpr std::chrono::milliseconds kRefusedTimeout{1'000};
constexpr std::uint32_t kRefusedAtOnce = 8, kRefusedOfOne = 2;

// Nothing is done for it that a missing record would hide.
void record_refused(audit::Log& log, const net::PeerIdentity& peer, Code code) {
  audit::Record record;
  record.time_us = unix_time_us();
  record.action = "connect";
  record.verdict = name(policy::Verdict::deny);
  record.reason = name(code);
  // What is no device is named as what it is: a device may have the same name.
  const std::string who = peer.kind == net::PeerKind::device
                              ? peer.name
                              : std::string(net::name(peer.kind)) + "/" + peer.name;
  audit::Batch batch;
  batch.add(audit::render_context(operations::audit_context(who, {}, {})), record);
  static_cast<void>(log.append_requests(batch));
}

Error not_a_device(const net::PeerIdentity& peer) {
  return Error(Code::certificate_rejected,
               "the certificate of " + std::string(net::name(peer.kind)) + " \"" + peer.name +
                   "\" is no certificate of a device",
               "Give nae-agent the certificate that 'nae device enroll' wrote.");
}

// While all places of such connections are taken they end without a word.
std::unique_ptr<net::Protocol> refusal_of(net::Connection& connection, DeviceSeats& places,
                                          Error why) {
  auto place = places.enter(connection.peer().name);
  if (!place) return nullptr;
  return std::make_unique<RefusingProtocol>(connection, wire::ErrorMessage{std::move(why), 0},
                                            kRefusedTimeout, *std::move(place));
}

}  // namespace

Error not_enrolled(const std::string& device) {
  return Error(Code::device_unknown,
               "the certificate of device \"" + device +
                   "\" was removed, or is none that the key server knows for this name",
               "Enroll the host again with 'nae device enroll " + device +
                   "', and give nae-agent the new certificate.");
}

net::ProtocolFactory protocol_for(const Parts& parts) {
  auto places = std::make_shared<DeviceSeats>(kRefusedAtOnce, kRefusedOfOne);
  return [&parts, places](net::Connection& connection) -> std::unique_ptr<net::Protocol> {
    const net::PeerIdentity& peer = connection.peer();
    if (peer.kind != net::PeerKind::device) {
      spdlog::warn("event=refused reason=not-a-device peer={} remote={}", peer.name,
                   connection.remote_address());
      record_refused(parts.audit, peer, Code::certificate_rejected);
      return refusal_of(connection, *places, not_a_device(peer));
    }
    if (!parts.devices.admits(peer)) {
      spdlog::warn("event=refused reason=certificate-not-enrolled peer={} serial={} remote={}",
                   peer.name, peer.serial_hex, connection.remote_address());
      record_refused(parts.audit, peer, Code::device_unknown);
      return refusal_of(connection, *places, not_enrolled(peer.name));
    }
    auto seat = parts.seats->enter(peer.name);
    if (seat) return std::make_unique<NaeProtocol>(connection, parts, *std::move(seat));
    spdlog::warn("event=connection_refused remote={} peer={} code={} reason={}",
                 connection.remote_address(), peer.name, name(seat.error().code),
                 quoted_text(seat.error().message));
    return refusal_of(connection, *places, std::move(seat).error());
  };
}

}  // namespace nae::nae1
