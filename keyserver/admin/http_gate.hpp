// HttpGate: how many connections and requests one certificate may have, and all together. Whoever
// holds a certificate can ask; nobody may ask so much that others cannot.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "keyserver/admin/token_bucket.hpp"
#include "libnae/base/result.hpp"

namespace nae::admin {

struct GateLimits {
  std::uint32_t max_connections = 64;
  std::uint32_t max_connections_per_certificate = 16;
  std::uint32_t requests_per_second = 50;  // of one certificate, as are the next three
  std::uint32_t request_burst = 200;
  std::uint32_t connections_per_second = 50;
  std::uint32_t connection_burst = 200;
};

// Thread-safe; outlives its seats.
class HttpGate {
 public:
  using TimePoint = TokenBucket::TimePoint;
  explicit HttpGate(const GateLimits& limits) : limits_(limits) {}

  // The place of one connection, free again when this goes.
  class Seat {
   public:
    Seat(HttpGate& gate, std::string certificate)
        : gate_(&gate), certificate_(std::move(certificate)) {}
    Seat(Seat&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), certificate_(std::move(other.certificate_)) {}
    Seat& operator=(Seat&&) = delete;
    ~Seat() {
      if (gate_) gate_->leave(certificate_);
    }
    const std::string& certificate() const { return certificate_; }

   private:
    HttpGate* gate_;
    std::string certificate_;
  };
  // Code::overloaded when all places are taken, Code::limit_exceeded when those of the certificate
  // are, or when it connects too often. `certificate`: its fingerprint.
  Result<Seat> enter(const std::string& certificate, TimePoint now);

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
  void leave(const std::string& certificate);
  Known& known(const std::string& certificate, TimePoint now);
  void forget_idle(TimePoint now);

  const GateLimits limits_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;
  std::uint32_t open_ = 0;
};

}  // namespace nae::admin
