#include "keyserver/admin/certificate_expiry.hpp"

#include <algorithm>

#include "keyserver/admin/api/time.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/certificate_chain.hpp"

namespace nae::admin {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;

// Of a certificate as the store has it.
crypto::CertificateLife life_of(const auto& certificate) {
  return {certificate.issued_at_us / api::kMicrosecondsPerSecond,
          certificate.expires_at_us / api::kMicrosecondsPerSecond};
}

}  // namespace

Result<std::vector<Expiry>> expiries(store::Store& store, const keys::KeyRing& ring,
                                     std::string_view server_pem, std::string_view authority_pem) {
  std::vector<Expiry> found;
  NAE_ASSIGN(crypto::CertificateInfo server, crypto::read_certificate(server_pem));
  found.push_back({"server", server.common_name, {server.not_before_s, server.not_after_s}});
  NAE_ASSIGN(crypto::CertificateInfo authority, crypto::read_certificate(authority_pem));
  found.push_back(
      {"authority", authority.common_name, {authority.not_before_s, authority.not_after_s}});

  NAE_ASSIGN(std::vector<store::Admin> admins, store.list_admins());
  for (const store::Admin& admin : admins) {
    crypto::CertificateLife last;
    for (const store::AdminCertificate& certificate : admin.certificates)
      crypto::keep_longer(last, life_of(certificate));
    found.push_back({"admin", admin.name, last});
  }
  NAE_ASSIGN(std::vector<store::DeviceCertificate> devices, store.list_devices());
  std::map<std::string, crypto::CertificateLife> last;
  for (const store::DeviceCertificate& device : devices)
    if (device.removed_at_us == 0) crypto::keep_longer(last[device.name], life_of(device));
  for (const auto& [name, life] : last) found.push_back({"device", name, life});
  for (const keys::KeyPointer& key : ring.list()) {
    const keys::Version* primary = key->primary();
    if (!primary || primary->certificates.empty()) continue;
    NAE_ASSIGN(const crypto::LeafInfo leaf, crypto::leaf_of(primary->certificates));
    found.push_back({"key", key->name, {leaf.not_before_s, leaf.not_after_s}});
  }
  return found;
}

std::int64_t days_left(std::int64_t at_s, std::int64_t now_s) {
  std::int64_t left = at_s - now_s;
  return left >= 0 ? left / kSecondsPerDay : -((-left + kSecondsPerDay - 1) / kSecondsPerDay);
}

ExpiryWatch::ExpiryWatch(prometheus::Registry& registry)
    : first_(prometheus::BuildGauge()
                 .Name("nae_certificate_expiry_seconds")
                 .Help("Seconds until the first certificate of a kind expires, as of the last "
                       "hour.")
                 .Register(registry)),
      ending_(prometheus::BuildGauge()
                  .Name("nae_certificates_ending")
                  .Help("Certificates of a kind that have ended, or end within 30 days and a "
                        "quarter of their life, as of the last hour.")
                  .Register(registry)) {}

std::vector<Expiry> ExpiryWatch::look(const std::vector<Expiry>& found, std::int64_t now_s) {
  struct Seen {
    std::int64_t first_s = 0;
    std::size_t ending = 0;
  };
  std::map<std::string, Seen> seen;
  std::vector<Expiry> warnings;
  for (const Expiry& expiry : found) {
    auto [of_kind, is_new] = seen.emplace(expiry.kind, Seen{expiry.life.not_after_s});
    of_kind->second.first_s = std::min(of_kind->second.first_s, expiry.life.not_after_s);
    const auto which = std::pair(expiry.kind, expiry.name);
    if (now_s <= crypto::ends_soon_after_s(expiry.life)) {
      warned_.erase(which);
      continue;
    }
    ++of_kind->second.ending;
    const std::int64_t days = days_left(expiry.life.not_after_s, now_s);
    auto [told, is_first] = warned_.emplace(which, days);
    if (is_first || told->second != days) warnings.push_back(expiry);
    told->second = days;
  }
  for (auto gauge = gauges_.begin(); gauge != gauges_.end();) {
    if (seen.contains(gauge->first)) {
      ++gauge;
      continue;
    }
    first_.Remove(gauge->second.first);
    ending_.Remove(gauge->second.ending);
    gauge = gauges_.erase(gauge);
  }
  for (const auto& [kind, of_kind] : seen) {
    OfKind& gauges = gauges_[kind];
    if (gauges.first == nullptr)
      gauges = {&first_.Add({{"certificate", kind}}), &ending_.Add({{"certificate", kind}})};
    gauges.first->Set(static_cast<double>(of_kind.first_s - now_s));
    gauges.ending->Set(static_cast<double>(of_kind.ending));
  }
  return warnings;
}

}  // namespace nae::admin
