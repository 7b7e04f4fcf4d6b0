// The parts a request is served with. main() owns them; everything here outlives every connection.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "keyserver/audit/log.hpp"
#include "keyserver/hsm/hsm_queue.hpp"
#include "keyserver/keys/key_ring.hpp"
#include "keyserver/keys/trusted_time.hpp"
#include "keyserver/keys/working_keys.hpp"
#include "keyserver/policy/limit.hpp"
#include "keyserver/policy/policy_book.hpp"
#include "keyserver/service/certificate_register.hpp"
#include "keyserver/service/device_seats.hpp"
#include "keyserver/service/metrics.hpp"
#include "keyserver/service/public_keys.hpp"
#include "keyserver/service/told_state.hpp"
#include "libnae/wire/limits.hpp"
#include "net/memory_budget.hpp"

namespace nae::service {

class SharedWork;

struct Settings {
  std::string software;   // "nae-keyserver 0.2.0"
  std::string server_id;  // the same for all servers of a group
  wire::Limits limits;
  std::chrono::milliseconds hsm_timeout{5000};
  std::chrono::milliseconds hello_timeout{10'000};  // who says nothing takes another's place
  std::chrono::milliseconds frame_timeout{30'000};  // from a frame's first byte to its last
  // Distinct working keys that one request may need; more would let one request empty the cache.
  std::size_t max_working_keys_per_request = 256;
  // What of one connection may wait for the HSM: others must find room in memory and in its queue.
  std::size_t max_waiting = 1024;
  std::size_t max_waiting_bytes = 64u << 20;
};

std::shared_ptr<SharedWork> make_shared_work();

struct Parts {
  keys::KeyRing& ring;
  keys::WorkingKeys& working_keys;
  PublicKeys& public_keys;
  hsm::HsmQueue& hsm;
  policy::PolicyBook& policy;
  policy::LimitBook& limits;
  const keys::TrustedTime& clock;  // of `limits`
  audit::Log& audit;
  Metrics& metrics;
  CertificateRegister& devices;
  std::shared_ptr<DeviceSeats> seats;
  // For half-received frames, requests that wait for the HSM, and answers that are not taken.
  std::shared_ptr<net::MemoryBudget> memory;
  const Settings& settings;
  std::shared_ptr<SharedWork> shared_work = make_shared_work();
  std::shared_ptr<ToldState> state = std::make_shared<ToldState>();
};

}  // namespace nae::service
