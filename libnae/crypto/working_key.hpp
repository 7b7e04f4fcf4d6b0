// Working keys and what they make: envelopes, message authentication codes, blind indexes.
// docs/spec/envelope.md. Nothing here allocates per value; all may be used by many threads.
#pragma once

#include <cstdint>
#include <memory>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/gcm.hpp"
#include "libnae/crypto/hmac.hpp"
#include "libnae/crypto/kdf.hpp"
#include "libnae/crypto/secret.hpp"
#include "libnae/crypto/siv.hpp"
#include "libnae/envelope/blind_index.hpp"
#include "libnae/envelope/envelope.hpp"
#include "libnae/envelope/search_input.hpp"

namespace nae::crypto {

inline constexpr std::size_t kMacTokenBytes = kTokenHeaderBytes + kSha256Bytes;  // 41

// From derive_working_key with gcm_purpose(salt.format) and salt.bytes.
struct GcmWorkingKey {
  GcmWorkingKey(const GcmProvider& provider, const KeyVersionId& key_id, const GcmSalt& key_salt,
                const SecretBytes& secret)
      : id(key_id), salt(key_salt), cipher(provider.key(secret)) {}
  KeyVersionId id;
  GcmSalt salt;
  std::unique_ptr<const Aes256Gcm> cipher;
};

// From derive_working_key with kSivPurpose and kNoSalt.
struct SivWorkingKey {
  SivWorkingKey(const KeyVersionId& key_id, const SecretBytes& secret);
  KeyVersionId id;
  AesSiv cipher;
};

// From derive_working_key with kMacPurpose, kBlindIndexPurpose, kBlindIndexCodePurpose or
// kSearchPurpose, and kNoSalt.
struct MacWorkingKey {
  MacWorkingKey(const KeyVersionId& key_id, const SecretBytes& secret) : id(key_id), hmac(secret) {}
  KeyVersionId id;
  HmacSha256 hmac;
};

// Which value under a working key of AES-256-GCM: random bits of the lease that it belongs to, and
// its number. A key of Format::aes_256_gcm has no leases: zeros.
struct LeaseCounter {
  Lease lease{};
  std::uint32_t counter = 0;
};

// Format::aes_256_gcm or aes_256_gcm_lease.
const KeyPurpose& gcm_purpose(Format format);

// Writes a whole envelope of the format of the key's salt; `out` is exactly the plaintext's size
// plus kGcmOverheadBytes. A counter is used once under a working key: who holds the key counts, and
// stops before 2^24 (2^32 where there are no leases).
void seal_gcm(const GcmWorkingKey& key, const LeaseCounter& at, ByteView aad, ByteView plaintext,
              ByteSpan out);
// `out` is exactly the plaintext's size plus kSivOverheadBytes.
void seal_siv(const SivWorkingKey& key, ByteView aad, ByteView plaintext, ByteSpan out);

// Opens an envelope of the same key version (and salt); `out` is as long as its ciphertext and is
// wiped on failure. Code::authentication_failed when the envelope or `aad` was changed,
// Code::internal when the working key is not the envelope's.
Result<void> open_gcm(const GcmWorkingKey& key, const EnvelopeView& envelope, ByteView aad,
                      ByteSpan out);
Result<void> open_siv(const SivWorkingKey& key, const EnvelopeView& envelope, ByteView aad,
                      ByteSpan out);

// A message authentication code with the header that names its key.
void write_mac(const MacWorkingKey& key, ByteView data, std::span<Byte, kMacTokenBytes> out);
// Code::internal when the working key is not the token's; false when data or code was changed.
Result<bool> verify_mac(const MacWorkingKey& key, ByteView data, const TokenView& token);
// A truncated code without header: equal values have equal indexes under one key version.
void write_blind_index(const MacWorkingKey& key, ByteView data,
                       std::span<Byte, kBlindIndexBytes> out);
// Format 2: `input` is what write_blind_index_input() made.
void write_blind_index_code(const MacWorkingKey& key, ByteView input,
                            std::span<Byte, kBlindIndexCodeBytes> out);
// The codes of a value in a search index, in the order of its tokens: `out` is kSearchCodeBytes a
// token. The working key is of kSearchPurpose.
void write_search_codes(const MacWorkingKey& key, const SearchInputView& input, ByteSpan out);

}  // namespace nae::crypto
