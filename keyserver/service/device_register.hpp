// DeviceRegister: which certificates of devices are good, as the store has it. Asked on every
// connection, so it is kept in memory and read again after each change.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"
#include "net/peer_identity.hpp"

namespace nae::service {

// One certificate that was issued to a device.
struct DeviceStanding {
  std::string name;
  std::string fingerprint;  // lower-case hexadecimal
  bool removed = false;
};

// Thread-safe.
class DeviceRegister {
 public:
  using Reader = std::function<Result<std::vector<DeviceStanding>>()>;
  // Empty until reload().
  explicit DeviceRegister(Reader reader) : reader_(std::move(reader)) {}

  // After every change of the store, before the change is answered. When it fails, what was known
  // stays in force.
  Result<void> reload();

  // A name that the register knows is good only with a certificate that it knows and that was not
  // removed, whichever authority issued it. A name that it does not know is left to policy, which
  // denies whatever it does not name: an authority of the operator's own may issue certificates.
  bool admits(const net::PeerIdentity& peer) const;

  // Changes with every reload(); never 0.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  Reader reader_;
  std::mutex reloading_;  // readers of the store must not overtake each other
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::set<std::string>, std::less<>> good_;  // fingerprints by name
  std::atomic<std::uint64_t> generation_{1};
};

}  // namespace nae::service
