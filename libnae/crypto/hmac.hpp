// HMAC-SHA-256 (RFC 2104, FIPS 198-1) under one key, computed many times.
#pragma once

#include "libnae/base/bytes.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

// The hash states after the padded key are prepared once, in the secure heap. Many threads may use
// one object.
class HmacSha256 {
 public:
  // Any key length; NIST SP 800-107 asks for at least 14 bytes, ours have 32.
  explicit HmacSha256(const SecretBytes& key);

  void compute(ByteView data, std::span<Byte, kSha256Bytes> out) const;
  // In constant time. `code` may be shorter than a digest only if it is wrong: false.
  bool verify(ByteView data, ByteView code) const;

 private:
  SecretBytes states_;  // inner, outer
};

}  // namespace nae::crypto
