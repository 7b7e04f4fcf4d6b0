#include "keyserver/service/device_register.hpp"

namespace nae::service {

Result<void> DeviceRegister::reload() {
  std::lock_guard one_at_a_time(reloading_);
  NAE_ASSIGN(std::vector<DeviceStanding> certificates, reader_());
  std::map<std::string, std::set<std::string>, std::less<>> good;
  for (DeviceStanding& certificate : certificates) {
    auto& of_name = good[certificate.name];  // known, even if none of its certificates is good
    if (!certificate.removed) of_name.insert(std::move(certificate.fingerprint));
  }
  {
    std::lock_guard lock(mutex_);
    good_ = std::move(good);
  }
  generation_.fetch_add(1, std::memory_order_release);
  return {};
}

bool DeviceRegister::admits(const net::PeerIdentity& peer) const {
  std::shared_lock lock(mutex_);
  auto known = good_.find(peer.name);
  return known == good_.end() || known->second.count(peer.fingerprint_hex) != 0;
}

}  // namespace nae::service
