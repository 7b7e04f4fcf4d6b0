// The parts a request is served with, whatever it came by. main() owns them; everything here
// outlives every request.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "keyserver/hsm/hsm_queue.hpp"
#include "keyserver/keys/key_ring.hpp"
#include "keyserver/keys/trusted_time.hpp"
#include "keyserver/keys/working_keys.hpp"
#include "keyserver/metrics/metrics.hpp"
#include "keyserver/operations/public_keys.hpp"
#include "keyserver/policy/limit.hpp"
#include "keyserver/policy/policy_book.hpp"

namespace nae::operations {

class SharedWork;

struct Settings {
  std::string software;   // "nae-keyserver 0.2.0"
  std::string server_id;  // the same for all servers of a group
  std::chrono::milliseconds hsm_timeout{5000};
  // Distinct working keys that one request may need; more would let one request empty the cache.
  std::size_t max_working_keys_per_request = 256;
  std::string node = {};  // this server's name among those of its group
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
  metrics::Metrics& metrics;
  const Settings& settings;
  std::shared_ptr<SharedWork> shared_work = make_shared_work();
  // Another key server is in charge: what is counted is its to serve, a use of a key and what a
  // limit is charged for.
  bool follows = false;
};

}  // namespace nae::operations
