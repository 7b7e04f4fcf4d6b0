// AES-SIV (RFC 5297): deterministic authenticated encryption. The same value under the same key
// and associated data gives the same bytes, so equality can be tested without opening.
#pragma once

#include <memory>

#include "libnae/base/bytes.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

inline constexpr std::size_t kSivKeyBytes = 64;  // AES-256: half for S2V, half for CTR
inline constexpr std::size_t kSivTagBytes = 16;

// One key and its first associated data string, S1, which is the same for every value. Many
// threads may use one object. Input and output have the same length and are either the same memory
// or do not overlap.
//
// S2V and CTR are assembled here from OpenSSL's AES-CBC and AES-CTR: its own AES-SIV must be keyed
// anew for every value (9 times slower: benchmarks/aead.cpp), and before 3.0.10 did not
// authenticate empty associated data (CVE-2023-2975).
class AesSiv {
 public:
  // kSivKeyBytes; 32 bytes select AES-128, the size of RFC 5297's own vectors.
  AesSiv(const SecretBytes& key, ByteView header);
  ~AesSiv();
  AesSiv(AesSiv&&) noexcept;
  AesSiv& operator=(AesSiv&&) noexcept;

  // `aad` is S2 when it is not empty; an empty one counts as absent.
  void seal(ByteView aad, ByteView plaintext, std::span<Byte, kSivTagBytes> siv,
            ByteSpan ciphertext) const;
  // False when anything was changed; `plaintext` is then wiped.
  [[nodiscard]] bool open(ByteView aad, std::span<const Byte, kSivTagBytes> siv,
                          ByteView ciphertext, ByteSpan plaintext) const;

 private:
  class Keyed;
  std::unique_ptr<const Keyed> keyed_;
};

}  // namespace nae::crypto
