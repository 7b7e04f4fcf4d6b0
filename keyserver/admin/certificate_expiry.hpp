// How long certificates are still good: as metrics, and in the log while there is time to renew.
#pragma once

#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <map>
#include <string>
#include <vector>

#include "keyserver/keys/key_ring.hpp"
#include "keyserver/store/store.hpp"
#include "libnae/crypto/certificate_life.hpp"

namespace nae::admin {

struct Expiry {
  std::string kind;  // "server", "authority", "admin", "device", "key"
  std::string name;
  crypto::CertificateLife life;
};

// Of the server and its authority, of every administrator and device the certificate that is good
// for longest, and of every key that of its primary version; removed devices are left out.
Result<std::vector<Expiry>> expiries(store::Store& store, const keys::KeyRing& ring,
                                     std::string_view server_pem, std::string_view authority_pem);

// One thread looks; /metrics may be read by any.
class ExpiryWatch {
 public:
  explicit ExpiryWatch(prometheus::Registry& registry);

  // Sets nae_certificate_expiry_seconds, for each kind that of the first to expire; negative when
  // it has; and nae_certificates_ending, how many of the kind end soon or have ended. A kind of
  // which there is none has no series: zero would be an alarm. Answers what to warn of, once a day:
  // what ends soon (crypto::ends_soon_after_s).
  std::vector<Expiry> look(const std::vector<Expiry>& found, std::int64_t now_s);

 private:
  struct OfKind {
    prometheus::Gauge *first = nullptr, *ending = nullptr;
  };

  prometheus::Family<prometheus::Gauge>&first_, &ending_;
  std::map<std::string, OfKind> gauges_;  // by kind, of the last look
  std::map<std::pair<std::string, std::string>, std::int64_t>
      warned_;  // days left, by kind and name
};

// Whole days until `at_s`, rounded down; negative when it has passed.
std::int64_t days_left(std::int64_t at_s, std::int64_t now_s);

}  // namespace nae::admin
