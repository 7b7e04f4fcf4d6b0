#include "libnae/crypto/gcm.hpp"

namespace nae::crypto {

std::unique_ptr<const GcmProvider> fastest_gcm() {
  if (auto provider = ipsec_mb_gcm()) return provider;
  return openssl_gcm();
}

}  // namespace nae::crypto
