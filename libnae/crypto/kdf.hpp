// Working keys are derived from a key version by the counter-mode KDF of NIST SP 800-108r1 section
// 4.1 with HMAC-SHA-256. The key stays in the HSM, which computes each HMAC; here is what goes in:
//   block i = HMAC(key, [i]_32 || label || 0x00 || context || [L]_32)
//   context = key id (6) || version (2, big endian) || salt (12)
// docs/spec/envelope.md, "Working keys".
#pragma once

#include <cstdint>
#include <string_view>

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/key_id.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/secret.hpp"
#include "libnae/envelope/envelope.hpp"

namespace nae::crypto {

// What a working key is for. The label keeps keys for different purposes independent even though
// they come from one key version.
struct KeyPurpose {
  std::string_view label;
  std::uint32_t key_bytes;
};
inline constexpr KeyPurpose kGcmPurpose{"nae/1 aes-256-gcm", 32};
inline constexpr KeyPurpose kLeaseGcmPurpose{"nae/2 aes-256-gcm", 32};
inline constexpr KeyPurpose kSivPurpose{"nae/1 aes-256-siv", 64};
inline constexpr KeyPurpose kMacPurpose{"nae/1 hmac-sha-256", 32};
inline constexpr KeyPurpose kBlindIndexPurpose{"nae/1 blind-index", 32};
inline constexpr KeyPurpose kBlindIndexCodePurpose{"nae/2 blind-index", 32};
inline constexpr KeyPurpose kSearchPurpose{"nae/1 search", 32};

// Whether working keys for `purpose` come from keys of this type.
bool has_purpose(KeyType type, const KeyPurpose& purpose);

// For purposes other than GCM, whose keys do not depend on a salt.
inline constexpr Salt kNoSalt{};

// The HMAC input of block `block`, counted from 1.
Bytes kdf_input(const KeyPurpose& purpose, const KeyVersionId& id, const Salt& salt,
                std::uint32_t block);

// What the HSM computes an HMAC of where no working key may leave it: data apart from what the KDF
// asks for (no block has number 0) and from data for another purpose (labels hold no zero byte).
//   [0]_32 || label || 0x00 || key id (6) || version (2) || 0^12 || data
Bytes separated_input(const KeyPurpose& purpose, const KeyVersionId& id, ByteView data);

// Runs the KDF. `hmac(ByteView input, std::span<Byte, 32> out) -> Result<void>` computes
// HMAC-SHA-256 under the key version: in the HSM.
template <class Hmac>
Result<SecretBytes> derive_working_key(const KeyPurpose& purpose, const KeyVersionId& id,
                                       const Salt& salt, Hmac&& hmac) {
  SecretBytes key(purpose.key_bytes);
  ByteSpan out = key.expose_for_writing();
  for (std::uint32_t block = 1; !out.empty(); ++block, out = out.subspan(kSha256Bytes))
    NAE_TRY(hmac(kdf_input(purpose, id, salt, block), out.first<kSha256Bytes>()));
  return key;
}

}  // namespace nae::crypto
