#include "keyserver/protocols/http/http_gate.hpp"

#include <algorithm>

namespace nae::http {
namespace {

// Past so many certificates those are forgotten whose buckets are full: they lose nothing by it.
constexpr std::size_t kMostRemembered = 1024;
// Of all places, how many are for who is refused: one in so many, but one.
constexpr std::uint32_t kPlacesPerDoor = 16;
constexpr std::uint32_t kMostSeenOutOfOneName = 256;

tl::unexpected<TurnedAway> turned_away(Code code, const std::string& reason,
                                       std::uint32_t retry_after_s) {
  return tl::unexpected<TurnedAway>(TurnedAway{
      Error(code, reason, "Try again in " + std::to_string(retry_after_s) + " s."), retry_after_s});
}

std::string holder_of(Room room, const std::string& name) {
  return std::to_string(static_cast<int>(room)) + "/" + name;
}

}  // namespace

tl::expected<HttpGate::Seat, TurnedAway> HttpGate::enter(Room room, const std::string& name,
                                                         TimePoint now) {
  std::lock_guard lock(mutex_);
  std::string holder = holder_of(room, name);
  Known& who = known(holder, now);
  if (const std::uint32_t wait_s = who.connections.take(now); wait_s != 0)
    return turned_away(Code::limit_exceeded, name + " connects too often", wait_s);
  if (who.open >= limits_.max_connections_per_certificate)
    return turned_away(Code::limit_exceeded,
                       name + " has " + std::to_string(who.open) + " connections open", 1);
  if (!has_place(room))
    return turned_away(Code::overloaded,
                       std::to_string(open_in(room)) + " HTTP connections of this kind are open",
                       1);
  ++open_[static_cast<std::size_t>(room)];
  ++who.open;
  return Seat(*this, room, std::move(holder));
}

std::optional<HttpGate::Seat> HttpGate::see_out(const std::string& name, TimePoint now) {
  std::lock_guard lock(mutex_);
  std::string holder = holder_of(Room::away, name);
  Known& who = known(holder, now);
  if (open_in(Room::away) >= kMostSeenOut || who.open >= kMostSeenOutOfOneName) return std::nullopt;
  ++open_[static_cast<std::size_t>(Room::away)];
  ++who.open;
  return std::optional<Seat>(std::in_place, *this, Room::away, std::move(holder));
}

bool HttpGate::has_place(Room room) const {
  const std::uint32_t others = open_in(Room::devices) + open_in(Room::door);
  if (others + open_in(Room::administrators) >= limits_.max_connections) return false;
  if (room == Room::administrators) return true;
  const std::uint32_t kept = (limits_.max_connections + 1) / 2;
  if (others >= limits_.max_connections - kept) return false;
  const std::uint32_t door = std::max(1u, limits_.max_connections / kPlacesPerDoor);
  return room != Room::door || open_in(Room::door) < door;
}

void HttpGate::leave(const Seat& seat) {
  std::lock_guard lock(mutex_);
  --open_[static_cast<std::size_t>(seat.room_)];
  --known_.at(seat.holder_).open;
}

HttpGate::Refusal HttpGate::request(const Seat& seat, TimePoint now) {
  std::lock_guard lock(mutex_);
  Known& who = known_.at(seat.holder_);
  Refusal refusal;
  refusal.retry_after_s = who.requests.take(now);
  refusal.first = refusal.retry_after_s != 0 && !who.refused;
  who.refused = refusal.retry_after_s != 0;
  return refusal;
}

HttpGate::Known& HttpGate::known(const std::string& holder, TimePoint now) {
  auto found = known_.find(holder);
  if (found != known_.end()) return found->second;
  if (known_.size() >= kMostRemembered) forget_idle(now);
  Known fresh{{limits_.connections_per_second, limits_.connection_burst, now},
              {limits_.requests_per_second, limits_.request_burst, now}};
  return known_.emplace(holder, fresh).first->second;
}

void HttpGate::forget_idle(TimePoint now) {
  std::erase_if(known_, [now](const auto& entry) {
    const Known& who = entry.second;
    return who.open == 0 && who.connections.full(now) && who.requests.full(now);
  });
}

}  // namespace nae::http
