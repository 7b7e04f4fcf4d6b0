// Key types, signature schemes and hash algorithms: one vocabulary for wire, store, CLI and SQL.
// The rows stand in algorithms.def, where an algorithm is added.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "libnae/base/action.hpp"

namespace nae {

enum class KeyFamily : std::uint8_t {
#define NAE_KEY_FAMILY(family, ...) family,
#include "libnae/base/algorithms.def"
};

enum class HashAlgorithm : std::uint8_t {
#define NAE_HASH(hash, number, ...) hash = number,
#include "libnae/base/algorithms.def"
};

enum class SignatureMethod : std::uint8_t {
#define NAE_SIGNATURE_METHOD(method, ...) method,
#include "libnae/base/algorithms.def"
};

enum class SignatureScheme : std::uint8_t {
  key_default = 0,
#define NAE_SIGNATURE_SCHEME(scheme, number, ...) scheme = number,
#include "libnae/base/algorithms.def"
};

enum class DecryptionScheme : std::uint8_t {
#define NAE_DECRYPTION_SCHEME(scheme, number, ...) scheme = number,
#include "libnae/base/algorithms.def"
};

enum class CipherMode : std::uint8_t {
#define NAE_CIPHER_MODE(mode, number, ...) mode = number,
#include "libnae/base/algorithms.def"
};

enum class KeyType : std::uint8_t {
#define NAE_KEY_TYPE(type, number, ...) type = number,
#include "libnae/base/algorithms.def"
};

struct KeyTypeRow {
  KeyType type;
  std::string_view name;  // "aes-256-gcm"
  KeyFamily family;
  std::uint16_t bits;             // of the secret, the modulus or a coordinate
  std::uint16_t signature_bytes;  // of the longest signature; 0: it does not sign
  SignatureScheme default_scheme;
  std::string_view curve;  // "P-256", "Ed25519"; "": of none
  std::span<const Action> actions;

  constexpr std::size_t coordinate_bytes() const { return (bits + 7u) / 8; }
};

std::span<const KeyTypeRow> key_types();
const KeyTypeRow& row(KeyType type);  // of another number: "unknown", of no family, for nothing
inline std::string_view name(KeyType type) {
  return row(type).name;
}
std::optional<KeyType> key_type_from_name(std::string_view name);
std::optional<KeyType> key_type_from_number(std::uint8_t number);
bool allows(KeyType type, Action action);
// Whether it has a public half.
bool is_pair(KeyType type);
// Whether its private half has a form in which PKCS#11 modules wrap it. Those that have none stay
// on the token that made them, and cannot be imported.
bool is_wrappable(KeyType type);

// Of any key's.
inline constexpr std::size_t kMaxSignatureBytes = std::max({
#define NAE_KEY_TYPE(type, number, text, family, bits, signature_bytes, ...) \
  std::size_t{signature_bytes},
#include "libnae/base/algorithms.def"
});

inline constexpr std::size_t kMaxDigestBytes = std::max({
#define NAE_HASH(hash, number, text, bytes, ...) std::size_t{bytes},
#include "libnae/base/algorithms.def"
});

std::string_view name(HashAlgorithm algorithm);
std::optional<HashAlgorithm> hash_from_name(std::string_view name);
std::optional<HashAlgorithm> hash_from_number(std::uint8_t number);
std::size_t digest_bytes(HashAlgorithm algorithm);

struct SchemeRow {
  SignatureScheme scheme;
  std::string_view name;  // "rsa-pss-sha256"
  SignatureMethod method;
  std::optional<HashAlgorithm> hash;  // none: the method takes the message itself
  std::string_view jose_name;         // "PS256"; "": it has none
  bool may_sign;                      // or only verify
};

const SchemeRow* find_row(SignatureScheme scheme);  // nullptr for key_default and unknown values
std::optional<SignatureScheme> scheme_from_name(std::string_view name);
std::string_view name(SignatureScheme scheme);
// The scheme used when the caller names none; key_default for types that do not sign.
SignatureScheme default_scheme(KeyType type);
bool fits(SignatureScheme scheme, KeyType type);

struct DecryptionRow {
  DecryptionScheme scheme;
  std::string_view name;              // "rsa-oaep-sha256"
  std::optional<HashAlgorithm> hash;  // of the label and of MGF1; none: PKCS #1 v1.5
};

// nullptr for numbers that are no scheme. Each fits every key that takes one.
const DecryptionRow* find_row(DecryptionScheme scheme);
std::optional<DecryptionScheme> decryption_from_name(std::string_view name);
std::string_view name(DecryptionScheme scheme);
bool takes_decryption_scheme(KeyType type);

struct CipherRow {
  CipherMode mode;
  std::string_view name;                       // "aes-gcm"
  std::uint8_t least_iv_bytes, most_iv_bytes;  // 0: it takes none
  bool authenticates;                          // notices what was changed
};

// nullptr for numbers that are no mode. Each fits every key that takes one.
const CipherRow* find_row(CipherMode mode);
std::optional<CipherMode> cipher_from_name(std::string_view name);
std::string_view name(CipherMode mode);
bool takes_cipher_mode(KeyType type);

// Of what two keys agree on, of any type: a coordinate.
inline constexpr std::size_t kMaxAgreedBytes = std::max({
#define NAE_KEY_TYPE(type, number, text, family, bits, ...)                               \
  std::size_t{KeyFamily::family == KeyFamily::ecdh || KeyFamily::family == KeyFamily::xdh \
                  ? (bits + 7) / 8                                                        \
                  : 0},
#include "libnae/base/algorithms.def"
});

}  // namespace nae
