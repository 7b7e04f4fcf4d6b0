// HttpGate: how many connections and requests one name may have, and all together. Whoever holds a
// certificate can ask; nobody may ask so much that others cannot.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "keyserver/protocols/http/token_bucket.hpp"
#include "libnae/base/result.hpp"

namespace nae::http {

struct GateLimits {
  std::uint32_t max_connections = 64;
  std::uint32_t max_connections_per_certificate = 16;
  std::uint32_t requests_per_second = 50;  // of one name, as are the next three
  std::uint32_t request_burst = 200;
  std::uint32_t connections_per_second = 50;
  std::uint32_t connection_burst = 200;
};

// Whose certificate it is. Administrators may take every place; others never take the half that is
// kept for those who can revoke.
enum class Room : std::uint8_t {
  administrators,
  devices,  // hosts and monitoring, which ask for health and metrics
  door,     // whoever is not admitted: one answer, and out
  away,     // who comes too often: told when to come again, and out
};

// Those who are told to come again, beside all who have a place: each costs 16 KiB of input for one
// short request.
inline constexpr std::uint32_t kMostSeenOut = 512;

// Why there is no place now.
struct TurnedAway {
  Error error;
  std::uint32_t retry_after_s = 1;
};

// Thread-safe; outlives its seats.
class HttpGate {
 public:
  using TimePoint = TokenBucket::TimePoint;
  explicit HttpGate(const GateLimits& limits) : limits_(limits) {}

  // The place of one connection, free again when this goes.
  class Seat {
   public:
    Seat(HttpGate& gate, Room room, std::string holder)
        : gate_(&gate), room_(room), holder_(std::move(holder)) {}
    Seat(Seat&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)),
          room_(other.room_),
          holder_(std::move(other.holder_)) {}
    Seat& operator=(Seat&&) = delete;
    ~Seat() {
      if (gate_) gate_->leave(*this);
    }
    Room room() const { return room_; }

   private:
    friend class HttpGate;
    HttpGate* gate_;
    Room room_;
    std::string holder_;
  };
  // Code::overloaded when all places of the room are taken, Code::limit_exceeded when those of the
  // name are, or when it connects too often. All certificates of a name count together, and apart
  // from those of that name which are not admitted.
  tl::expected<Seat, TurnedAway> enter(Room room, const std::string& name, TimePoint now);
  // For the answer to who was turned away: a client that only sees the connection end takes the
  // server for dead. These places are beside all others, few for one name, and bounded: nothing
  // when they are taken.
  std::optional<Seat> see_out(const std::string& name, TimePoint now);

  struct Refusal {
    std::uint32_t retry_after_s = 0;  // 0: not refused
    bool first = false;               // since the last request that was not
  };
  Refusal request(const Seat& seat, TimePoint now);

 private:
  struct Known {
    TokenBucket connections, requests;
    std::uint32_t open = 0;
    bool refused = false;  // the last request was
  };
  void leave(const Seat& seat);
  bool has_place(Room room) const;
  std::uint32_t open_in(Room room) const { return open_[static_cast<std::size_t>(room)]; }
  Known& known(const std::string& holder, TimePoint now);
  void forget_idle(TimePoint now);

  const GateLimits limits_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;   // by room and name
  std::array<std::uint32_t, 4> open_{};  // by room
};

}  // namespace nae::http
