// CertificateRegister: which certificates of devices or of administrators are good, as the store
// has it. Asked on every connection, so it is kept in memory and read again after each change.
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

namespace nae::protocols {

// Certificates of monitoring stand beside those of devices, under names that no device can have.
inline const std::string kMonitoringPrefix = "monitoring/";

// One certificate that was issued.
struct CertificateStanding {
  std::string name;
  std::string fingerprint;  // lower-case hexadecimal
  bool removed = false;
};

// What becomes of names that the register does not know.
enum class UnknownNames : std::uint8_t { admitted, refused };

// Thread-safe.
class CertificateRegister {
 public:
  using Reader = std::function<Result<std::vector<CertificateStanding>>()>;
  // Empty until reload().
  CertificateRegister(Reader reader, UnknownNames unknown_names)
      : reader_(std::move(reader)), unknown_names_(unknown_names) {}

  // Before there are other threads: what runs after each reload(), such as the end of connections
  // that are not admitted any more.
  void on_change(std::function<void()> run) { on_change_ = std::move(run); }

  // After every change of the store, before the change is answered. When it fails, what was known
  // stays in force.
  Result<void> reload();

  // A name that the register knows is good only with a certificate that it knows and that was not
  // removed, whichever authority issued it. A device's name that it does not know is left to
  // policy, which denies whatever it does not name: an authority of the operator's own may issue
  // certificates. Policy says nothing of monitoring, whose names must be known. That a certificate
  // is still valid TLS has found, and net::Connection watches.
  bool admits(const net::PeerIdentity& peer) const;

  // The fingerprints of the good certificates, by name; also of names that have none any more.
  using Standing = std::map<std::string, std::set<std::string>, std::less<>>;
  Standing standing() const;

  // Changes with every reload(); never 0.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  Reader reader_;
  UnknownNames unknown_names_;
  std::function<void()> on_change_;
  std::mutex reloading_;  // readers of the store must not overtake each other
  mutable std::shared_mutex mutex_;
  Standing good_;
  std::atomic<std::uint64_t> generation_{1};
};

}  // namespace nae::protocols
