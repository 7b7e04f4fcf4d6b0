// AES-256-GCM (NIST SP 800-38D) with 96-bit nonces and 128-bit tags, under one working key.
#pragma once

#include <memory>
#include <string_view>

#include "libnae/base/bytes.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

inline constexpr std::size_t kGcmKeyBytes = 32;
inline constexpr std::size_t kGcmNonceBytes = 12;
inline constexpr std::size_t kGcmTagBytes = 16;

// One expanded key; immutable, many threads may use one object. Associated data is `header`
// followed by `aad`. Input and output have the same length, below 2^36 - 32 bytes, and are either
// the same memory or do not overlap.
class Aes256Gcm {
 public:
  virtual ~Aes256Gcm() = default;

  // The caller never repeats a nonce under one key: that would give away the authentication key.
  virtual void seal(std::span<const Byte, kGcmNonceBytes> nonce, ByteView header, ByteView aad,
                    ByteView plaintext, ByteSpan ciphertext,
                    std::span<Byte, kGcmTagBytes> tag) const = 0;

  // False when anything was changed; `plaintext` is then wiped. The tag is compared in constant
  // time.
  [[nodiscard]] virtual bool open(std::span<const Byte, kGcmNonceBytes> nonce, ByteView header,
                                  ByteView aad, ByteView ciphertext,
                                  std::span<const Byte, kGcmTagBytes> tag,
                                  ByteSpan plaintext) const = 0;
};

// A way to compute it. main() takes one and passes it down.
class GcmProvider {
 public:
  virtual ~GcmProvider() = default;
  virtual std::string_view name() const = 0;  // "ipsec-mb", "openssl"
  // Expands a key of kGcmKeyBytes.
  virtual std::unique_ptr<const Aes256Gcm> key(const SecretBytes& key) const = 0;
};

std::unique_ptr<const GcmProvider> openssl_gcm();
// Several times faster on short values; nullptr when this CPU lacks the instructions it needs.
std::unique_ptr<const GcmProvider> ipsec_mb_gcm();
// The faster of those that this CPU can run.
std::unique_ptr<const GcmProvider> fastest_gcm();

}  // namespace nae::crypto
