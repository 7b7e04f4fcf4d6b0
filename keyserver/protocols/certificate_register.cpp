#include "keyserver/protocols/certificate_register.hpp"

namespace nae::protocols {

Result<void> CertificateRegister::reload() {
  std::lock_guard one_at_a_time(reloading_);
  NAE_ASSIGN(std::vector<CertificateStanding> certificates, reader_());
  Standing good;
  for (CertificateStanding& certificate : certificates) {
    auto& of_name = good[certificate.name];  // known, even if none of its certificates is good
    if (!certificate.removed) of_name.insert(std::move(certificate.fingerprint));
  }
  {
    std::lock_guard lock(mutex_);
    good_ = std::move(good);
  }
  generation_.fetch_add(1, std::memory_order_release);
  if (on_change_) on_change_();
  return {};
}

bool CertificateRegister::admits(const net::PeerIdentity& peer) const {
  const bool monitors = peer.kind == net::PeerKind::monitoring;
  std::shared_lock lock(mutex_);
  auto known = good_.find(monitors ? kMonitoringPrefix + peer.name : peer.name);
  if (known == good_.end()) return unknown_names_ == UnknownNames::admitted && !monitors;
  return known->second.count(peer.fingerprint_hex) != 0;
}

CertificateRegister::Standing CertificateRegister::standing() const {
  std::shared_lock lock(mutex_);
  return good_;
}

}  // namespace nae::protocols
