#include "keyserver/admin/certificate_expiry.hpp"

#include <algorithm>

#include "keyserver/admin/api/time.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/certificate_chain.hpp"

namespace nae::admin {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;

}  // namespace

Result<std::vector<Expiry>> expiries(store::Store& store, const keys::KeyRing& ring,
                                     std::string_view server_pem, std::string_view authority_pem) {
  std::vector<Expiry> found;
  NAE_ASSIGN(crypto::CertificateInfo server, crypto::read_certificate(server_pem));
  found.push_back({"server", server.common_name, server.not_after_s});
  NAE_ASSIGN(crypto::CertificateInfo authority, crypto::read_certificate(authority_pem));
  found.push_back({"authority", authority.common_name, authority.not_after_s});

  NAE_ASSIGN(std::vector<store::Admin> admins, store.list_admins());
  for (const store::Admin& admin : admins) {
    std::int64_t last_us = 0;
    for (const store::AdminCertificate& certificate : admin.certificates)
      last_us = std::max(last_us, certificate.expires_at_us);
    found.push_back({"admin", admin.name, last_us / api::kMicrosecondsPerSecond});
  }
  NAE_ASSIGN(std::vector<store::DeviceCertificate> devices, store.list_devices());
  std::map<std::string, std::int64_t> last_us;
  for (const store::DeviceCertificate& device : devices)
    if (device.removed_at_us == 0)
      last_us[device.name] = std::max(last_us[device.name], device.expires_at_us);
  for (const auto& [name, at_us] : last_us)
    found.push_back({"device", name, at_us / api::kMicrosecondsPerSecond});
  for (const keys::KeyPointer& key : ring.list()) {
    const keys::Version* primary = key->primary();
    if (!primary || primary->certificates.empty()) continue;
    NAE_ASSIGN(const crypto::LeafInfo leaf, crypto::leaf_of(primary->certificates));
    found.push_back({"key", key->name, leaf.not_after_s});
  }
  return found;
}

std::int64_t days_left(std::int64_t at_s, std::int64_t now_s) {
  std::int64_t left = at_s - now_s;
  return left >= 0 ? left / kSecondsPerDay : -((-left + kSecondsPerDay - 1) / kSecondsPerDay);
}

ExpiryWatch::ExpiryWatch(prometheus::Registry& registry)
    : family_(prometheus::BuildGauge()
                  .Name("nae_certificate_expiry_seconds")
                  .Help("Seconds until the first certificate of a kind expires, as of the last "
                        "hour.")
                  .Register(registry)) {}

std::vector<Expiry> ExpiryWatch::look(const std::vector<Expiry>& found, std::int64_t now_s) {
  std::map<std::string, std::int64_t> first;
  std::vector<Expiry> warnings;
  for (const Expiry& expiry : found) {
    auto [least, is_new] = first.emplace(expiry.kind, expiry.at_s);
    if (!is_new) least->second = std::min(least->second, expiry.at_s);
    std::int64_t days = days_left(expiry.at_s, now_s);
    auto [told, is_first] = warned_.emplace(std::pair(expiry.kind, expiry.name), kWarnDays);
    if (days < kWarnDays && (is_first || told->second != days)) warnings.push_back(expiry);
    told->second = days;
  }
  for (auto gauge = gauges_.begin(); gauge != gauges_.end();) {
    if (first.contains(gauge->first)) {
      ++gauge;
      continue;
    }
    family_.Remove(gauge->second);
    gauge = gauges_.erase(gauge);
  }
  for (const auto& [kind, at_s] : first) {
    prometheus::Gauge*& gauge = gauges_[kind];
    if (gauge == nullptr) gauge = &family_.Add({{"certificate", kind}});
    gauge->Set(static_cast<double>(at_s - now_s));
  }
  return warnings;
}

}  // namespace nae::admin
