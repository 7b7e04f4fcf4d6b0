// How long a certificate is good, and from when on somebody should hear that it ends.
#pragma once

#include <algorithm>
#include <cstdint>

namespace nae::crypto {

// As in the certificate (RFC 5280, 4.1.2.5): Unix time, in seconds.
struct CertificateLife {
  std::int64_t not_before_s = 0;
  std::int64_t not_after_s = 0;
};

inline constexpr std::int64_t kMostWarning_s = std::int64_t{30} * 86'400;

inline std::int64_t length_s(const CertificateLife& life) {
  return std::max<std::int64_t>(life.not_after_s - life.not_before_s, 0);
}

// 30 days before the end, or a quarter of its life where that is less: one that is good for a week
// would else be warned of from its first hour, and the warning that counts would not be seen.
inline std::int64_t ends_soon_after_s(const CertificateLife& life) {
  return life.not_after_s - std::min(kMostWarning_s, length_s(life) / 4);
}

// Of several certificates of one name that which is good for longest counts.
inline void keep_longer(CertificateLife& life, const CertificateLife& other) {
  if (other.not_after_s > life.not_after_s) life = other;
}

}  // namespace nae::crypto
