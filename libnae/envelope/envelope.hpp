// The envelope: one value's ciphertext with all that is needed to open it. Layout only, no
// cryptography; docs/spec/envelope.md is the specification.
#pragma once

#include <array>
#include <cstdint>

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/key_id.hpp"
#include "libnae/base/result.hpp"

namespace nae {

// First byte of everything the key server hands out. Formats are never reassigned.
enum class Format : std::uint8_t {
  aes_256_gcm = 0xa1,        // randomized, by releases before leases: read only
  aes_256_siv = 0xa2,        // deterministic
  aes_256_gcm_hsm = 0xa3,    // randomized, under the key version itself, in the HSM
  aes_256_gcm_lease = 0xa4,  // randomized, with random bits of its lease in each nonce
  hmac_sha_256 = 0xb1,       // message authentication code
  hmac_sha_256_raw = 0xb2,   // the same, plain HMAC under the key version itself, in the HSM
  hmac_sha_256_hsm = 0xb3,   // the same of a key that makes blind indexes too, in the HSM
  blind_index = 0xb4,        // code of a blind index, format 2: blind_index.hpp
  blind_index_hsm = 0xb5,    // the same of a key whose codes the HSM computes
  // 0xc0 to 0xdf: signatures, the value of their SignatureScheme
};

inline constexpr std::size_t kSaltBytes = 12;
inline constexpr std::size_t kTagBytes = 16;  // GCM tag and SIV
using Salt = std::array<Byte, kSaltBytes>;

// format, key id, version
inline constexpr std::size_t kTokenHeaderBytes = 1 + kKeyIdBytes + 2;
// the above, salt, counter
inline constexpr std::size_t kGcmHeaderBytes = kTokenHeaderBytes + kSaltBytes + 4;
inline constexpr std::size_t kGcmOverheadBytes = kGcmHeaderBytes + kTagBytes;    // 41
inline constexpr std::size_t kSivOverheadBytes = kTokenHeaderBytes + kTagBytes;  // 25
// format, key id, version, nonce
inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kHsmGcmHeaderBytes = kTokenHeaderBytes + kNonceBytes;
inline constexpr std::size_t kHsmGcmOverheadBytes = kHsmGcmHeaderBytes + kTagBytes;  // 37
using Nonce = std::array<Byte, kNonceBytes>;

// The same 16 bytes of a header in Format::aes_256_gcm_lease: a shorter salt, the random bits of
// the lease that the value was sealed under, and the value's number under the salt.
inline constexpr std::size_t kLeaseSaltBytes = 5;
inline constexpr std::size_t kLeaseBytes = 8;
inline constexpr std::size_t kLeaseCounterBytes = 3;
static_assert(kLeaseSaltBytes + kLeaseBytes + kLeaseCounterBytes == kSaltBytes + 4);
using Lease = std::array<Byte, kLeaseBytes>;

// Formats whose working keys are of a salt.
constexpr bool is_salted(Format format) {
  return format == Format::aes_256_gcm || format == Format::aes_256_gcm_lease;
}

// What a working key of AES-256-GCM is derived from beside its key version. The salt of
// Format::aes_256_gcm_lease is kLeaseSaltBytes and zeros.
struct GcmSalt {
  Format format = Format::aes_256_gcm_lease;
  Salt bytes{};
  friend auto operator<=>(const GcmSalt&, const GcmSalt&) = default;
};

// Views into the parsed bytes. What a format does not have is zero.
struct EnvelopeView {
  Format format{};
  KeyVersionId key;
  GcmSalt gcm_salt() const { return {format, salt}; }
  Salt salt{};  // see GcmSalt
  std::uint32_t counter = 0;
  Nonce nonce{};        // of every format of GCM
  ByteView header;      // authenticated as associated data, before the caller's
  ByteView ciphertext;  // as long as the plaintext
  ByteView tag;         // kTagBytes
};

// Code::envelope_malformed when too short or not of a known encryption format.
Result<EnvelopeView> parse_envelope(ByteView bytes);

// Cheap test of shape; whether the key exists is the key server's to say.
bool looks_like_envelope(ByteView bytes);

// Write the header, kGcmHeaderBytes, kTokenHeaderBytes or kHsmGcmHeaderBytes long, to `out`.
void write_gcm_header(Byte* out, const KeyVersionId& key, const Salt& salt, std::uint32_t counter);
void write_lease_gcm_header(Byte* out, const KeyVersionId& key, const Salt& salt,
                            const Lease& lease, std::uint32_t counter);
void write_siv_header(Byte* out, const KeyVersionId& key);
void write_hsm_gcm_header(Byte* out, const KeyVersionId& key, const Nonce& nonce);

// A signature or message authentication code: header, then the bare standard value.
struct TokenView {
  std::uint8_t format = 0;  // a Format of codes or a SignatureScheme
  KeyVersionId key;
  ByteView value;
};

// Code::signature_malformed when too short or not of a known token format.
Result<TokenView> parse_token(ByteView bytes);
bool is_mac_format(std::uint8_t format);  // Format::hmac_sha_256, _raw or _hsm
void write_token_header(Byte* out, std::uint8_t format, const KeyVersionId& key);

}  // namespace nae
