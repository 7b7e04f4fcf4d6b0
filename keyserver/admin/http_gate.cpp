#include "keyserver/admin/http_gate.hpp"

namespace nae::admin {
namespace {

// Past so many certificates those are forgotten whose buckets are full: they lose nothing by it.
constexpr std::size_t kMostRemembered = 1024;

}  // namespace

Result<HttpGate::Seat> HttpGate::enter(const std::string& certificate, TimePoint now) {
  std::lock_guard lock(mutex_);
  Known& who = known(certificate, now);
  if (who.connections.take(now) != 0)
    return fail(Code::limit_exceeded, "this certificate connects too often");
  if (who.open >= limits_.max_connections_per_certificate)
    return fail(Code::limit_exceeded,
                "this certificate has " + std::to_string(who.open) + " connections open");
  if (open_ >= limits_.max_connections)
    return fail(Code::overloaded, std::to_string(open_) + " HTTP connections are open");
  ++open_;
  ++who.open;
  return Seat(*this, certificate);
}

void HttpGate::leave(const std::string& certificate) {
  std::lock_guard lock(mutex_);
  --open_;
  --known_.at(certificate).open;
}

HttpGate::Refusal HttpGate::request(const Seat& seat, TimePoint now) {
  std::lock_guard lock(mutex_);
  Known& who = known_.at(seat.certificate());
  Refusal refusal;
  refusal.retry_after_s = who.requests.take(now);
  refusal.first = refusal.retry_after_s != 0 && !who.refused;
  who.refused = refusal.retry_after_s != 0;
  return refusal;
}

HttpGate::Known& HttpGate::known(const std::string& certificate, TimePoint now) {
  auto found = known_.find(certificate);
  if (found != known_.end()) return found->second;
  if (known_.size() >= kMostRemembered) forget_idle(now);
  Known fresh{{limits_.connections_per_second, limits_.connection_burst, now},
              {limits_.requests_per_second, limits_.request_burst, now}};
  return known_.emplace(certificate, fresh).first->second;
}

void HttpGate::forget_idle(TimePoint now) {
  std::erase_if(known_, [now](const auto& entry) {
    const Known& who = entry.second;
    return who.open == 0 && who.connections.full(now) && who.requests.full(now);
  });
}

}  // namespace nae::admin
