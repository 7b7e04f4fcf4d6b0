// Key types, signature schemes and hash algorithms: one vocabulary for wire, store, CLI and SQL.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "libnae/base/action.hpp"

namespace nae {

// Values stand in the store.
enum class KeyType : std::uint8_t {
  aes_256_gcm = 1,       // randomized encryption
  aes_256_siv = 2,       // deterministic encryption, RFC 5297
  hmac_sha_256 = 3,      // message authentication codes and blind indexes
  hmac_sha_256_raw = 4,  // plain HMAC-SHA-256 under the key itself, as others compute it
  rsa_2048 = 16,
  rsa_3072 = 17,
  rsa_4096 = 18,
  ecdsa_p256 = 24,
  ecdsa_p384 = 25,
  ed25519 = 28,
};

struct KeyTypeRow {
  KeyType type;
  std::string_view name;  // "aes-256-gcm"
  std::span<const Action> actions;
};

std::span<const KeyTypeRow> key_types();
const KeyTypeRow& row(KeyType type);
inline std::string_view name(KeyType type) {
  return row(type).name;
}
std::optional<KeyType> key_type_from_name(std::string_view name);
std::optional<KeyType> key_type_from_number(std::uint8_t number);
bool allows(KeyType type, Action action);

enum class HashAlgorithm : std::uint8_t {
  sha256 = 1,  // FIPS 180-4
  sha384 = 2,
  sha512 = 3,
  sha224 = 4,
  sha1 = 15,  // only to compare with old digests and verify old signatures; never to sign
};

std::string_view name(HashAlgorithm algorithm);
std::optional<HashAlgorithm> hash_from_name(std::string_view name);
std::optional<HashAlgorithm> hash_from_number(std::uint8_t number);
std::size_t digest_bytes(HashAlgorithm algorithm);

// Values travel on the wire and in the first byte of a signature (docs/spec/envelope.md).
// RSA: RFC 8017. ECDSA: FIPS 186-5, the signature DER-encoded as in RFC 3279 section 2.2.3.
// Ed25519: RFC 8032.
enum class SignatureScheme : std::uint8_t {
  key_default = 0,
  rsa_pss_sha256 = 0xc1,  // salt as long as the digest, MGF1 with the same hash
  rsa_pss_sha384 = 0xc2,
  rsa_pss_sha512 = 0xc3,
  rsa_pkcs1_sha256 = 0xc4,
  rsa_pkcs1_sha384 = 0xc5,
  rsa_pkcs1_sha512 = 0xc6,
  rsa_pkcs1_sha1 = 0xc7,  // verify only
  ecdsa_p256_sha256 = 0xd1,
  ecdsa_p384_sha384 = 0xd2,
  ed25519 = 0xd3,
};

struct SchemeRow {
  SignatureScheme scheme;
  std::string_view name;              // "rsa-pss-sha256"
  std::optional<HashAlgorithm> hash;  // none for Ed25519, which signs the message itself
  bool may_sign;
};

const SchemeRow* find_row(SignatureScheme scheme);  // nullptr for key_default and unknown values
std::optional<SignatureScheme> scheme_from_name(std::string_view name);
std::string_view name(SignatureScheme scheme);
// The scheme used when the caller names none; key_default for types that do not sign.
SignatureScheme default_scheme(KeyType type);
bool fits(SignatureScheme scheme, KeyType type);

}  // namespace nae
