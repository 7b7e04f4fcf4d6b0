#include "libnae/base/algorithm.hpp"

#include <algorithm>
#include <functional>

namespace nae {
namespace {

constexpr Action kCipher[] = {Action::encrypt, Action::decrypt, Action::rewrap, Action::search};
constexpr Action kCipherByMode[] = {Action::encrypt, Action::decrypt};
constexpr Action kMac[] = {Action::mac, Action::mac_verify};
constexpr Action kSign[] = {Action::sign, Action::verify};
constexpr Action kDecrypt[] = {Action::decrypt};
constexpr Action kDerive[] = {Action::derive};

constexpr std::span<const Action> actions_of(KeyFamily family) {
  switch (family) {
#define NAE_KEY_FAMILY(family, actions, ...) \
  case KeyFamily::family:                    \
    return actions;
#include "libnae/base/algorithms.def"
  }
  return {};
}

constexpr KeyTypeRow kKeyTypes[] = {
#define NAE_KEY_TYPE(type, number, text, family, bits, signature_bytes, scheme, curve, ...) \
  {KeyType::type,                                                                           \
   text,                                                                                    \
   KeyFamily::family,                                                                       \
   bits,                                                                                    \
   signature_bytes,                                                                         \
   SignatureScheme::scheme,                                                                 \
   curve,                                                                                   \
   actions_of(KeyFamily::family)},
#include "libnae/base/algorithms.def"
};
constexpr KeyTypeRow kUnknownType{
    KeyType{}, "unknown", KeyFamily{0xff}, 0, 0, SignatureScheme::key_default, {}, {}};

struct MethodRow {
  SignatureMethod method;
  KeyFamily family;
  bool of_type;  // the key's type decides the scheme: a curve comes with its hash
};
constexpr MethodRow kMethods[] = {
#define NAE_SIGNATURE_METHOD(method, family, mechanism, of_type) \
  {SignatureMethod::method, KeyFamily::family, of_type},
#include "libnae/base/algorithms.def"
};
constexpr const MethodRow& method_row(SignatureMethod method) {
  return kMethods[static_cast<std::size_t>(method)];
}

constexpr SchemeRow kSchemes[] = {
#define NAE_SIGNATURE_SCHEME(scheme, number, text, method, hash, signs, jose) \
  {SignatureScheme::scheme, text, SignatureMethod::method, hash, jose, signs},
#include "libnae/base/algorithms.def"
};

constexpr DecryptionRow kDecryptions[] = {
#define NAE_DECRYPTION_SCHEME(scheme, number, text, hash) {DecryptionScheme::scheme, text, hash},
#include "libnae/base/algorithms.def"
};

constexpr CipherRow kCiphers[] = {
#define NAE_CIPHER_MODE(mode, number, text, mechanism, least, most, authenticates) \
  {CipherMode::mode, text, least, most, authenticates},
#include "libnae/base/algorithms.def"
};

struct HashRow {
  HashAlgorithm algorithm;
  std::string_view name;
  std::size_t bytes;
};
constexpr HashRow kHashes[] = {
#define NAE_HASH(hash, number, text, bytes, ...) {HashAlgorithm::hash, text, bytes},
#include "libnae/base/algorithms.def"
};

template <class Rows, class Member, class Value>
constexpr auto find(const Rows& rows, Member member, const Value& value) {
  const auto* found = std::ranges::find(rows, value, member);
  return found == std::end(rows) ? nullptr : found;
}

// A row is of use as a whole, or nothing is built.
constexpr bool is_whole(const KeyTypeRow& type) {
  const bool signs = std::ranges::find(type.actions, Action::sign) != type.actions.end();
  const SchemeRow* usual = find(kSchemes, &SchemeRow::scheme, type.default_scheme);
  if (!signs) return !usual && type.signature_bytes == 0 && !type.actions.empty();
  return usual && usual->may_sign && method_row(usual->method).family == type.family &&
         type.signature_bytes > 0;
}
static_assert(std::ranges::all_of(kKeyTypes, is_whole));
static_assert(std::ranges::all_of(kSchemes, [](const SchemeRow& scheme) {
  return scheme.hash.has_value() == (scheme.method != SignatureMethod::eddsa);
}));

template <class Rows, class Number>
constexpr bool stand_once(const Rows& rows, Number number) {
  return std::ranges::all_of(rows, [&](const auto& one) {
    return std::ranges::count(rows, std::invoke(number, one), number) == 1 &&
           std::ranges::count(rows, one.name, [](const auto& other) { return other.name; }) == 1;
  });
}
static_assert(stand_once(kKeyTypes, &KeyTypeRow::type));
static_assert(stand_once(kSchemes, &SchemeRow::scheme));
static_assert(stand_once(kDecryptions, &DecryptionRow::scheme));
static_assert(stand_once(kCiphers, &CipherRow::mode));
static_assert(stand_once(kHashes, &HashRow::algorithm));

}  // namespace

std::span<const KeyTypeRow> key_types() {
  return kKeyTypes;
}

const KeyTypeRow& row(KeyType type) {
  const KeyTypeRow* found = find(kKeyTypes, &KeyTypeRow::type, type);
  return found ? *found : kUnknownType;
}

std::optional<KeyType> key_type_from_name(std::string_view text) {
  const KeyTypeRow* found = find(kKeyTypes, &KeyTypeRow::name, text);
  return found ? std::optional(found->type) : std::nullopt;
}

std::optional<KeyType> key_type_from_number(std::uint8_t number) {
  const KeyTypeRow* found = find(kKeyTypes, &KeyTypeRow::type, KeyType{number});
  return found ? std::optional(found->type) : std::nullopt;
}

bool allows(KeyType type, Action action) {
  const auto actions = row(type).actions;
  return std::ranges::find(actions, action) != actions.end();
}

bool is_pair(KeyType type) {
  switch (row(type).family) {
    case KeyFamily::aes:
    case KeyFamily::hmac:
    case KeyFamily::aes_raw:
      return false;
    case KeyFamily::rsa:
    case KeyFamily::ec:
    case KeyFamily::edwards:
    case KeyFamily::rsa_decrypt:
    case KeyFamily::ecdh:
    case KeyFamily::xdh:
      return true;
  }
  return false;
}

bool is_wrappable(KeyType type) {
  const KeyFamily family = row(type).family;
  return family != KeyFamily::edwards && family != KeyFamily::xdh;
}

std::string_view name(HashAlgorithm algorithm) {
  const HashRow* found = find(kHashes, &HashRow::algorithm, algorithm);
  return found ? found->name : "unknown";
}
std::size_t digest_bytes(HashAlgorithm algorithm) {
  const HashRow* found = find(kHashes, &HashRow::algorithm, algorithm);
  return found ? found->bytes : 0;
}

std::optional<HashAlgorithm> hash_from_name(std::string_view text) {
  const HashRow* found = find(kHashes, &HashRow::name, text);
  return found ? std::optional(found->algorithm) : std::nullopt;
}

std::optional<HashAlgorithm> hash_from_number(std::uint8_t number) {
  const HashRow* found = find(kHashes, &HashRow::algorithm, HashAlgorithm{number});
  return found ? std::optional(found->algorithm) : std::nullopt;
}

const SchemeRow* find_row(SignatureScheme scheme) {
  return find(kSchemes, &SchemeRow::scheme, scheme);
}

std::optional<SignatureScheme> scheme_from_name(std::string_view text) {
  const SchemeRow* found = find(kSchemes, &SchemeRow::name, text);
  return found ? std::optional(found->scheme) : std::nullopt;
}

std::string_view name(SignatureScheme scheme) {
  const SchemeRow* found = find_row(scheme);
  return found ? found->name : "default";
}

const DecryptionRow* find_row(DecryptionScheme scheme) {
  return find(kDecryptions, &DecryptionRow::scheme, scheme);
}

std::optional<DecryptionScheme> decryption_from_name(std::string_view text) {
  const DecryptionRow* found = find(kDecryptions, &DecryptionRow::name, text);
  return found ? std::optional(found->scheme) : std::nullopt;
}

std::string_view name(DecryptionScheme scheme) {
  const DecryptionRow* found = find_row(scheme);
  return found ? found->name : "unknown";
}

bool takes_decryption_scheme(KeyType type) {
  return row(type).family == KeyFamily::rsa_decrypt;
}

const CipherRow* find_row(CipherMode mode) {
  return find(kCiphers, &CipherRow::mode, mode);
}

std::optional<CipherMode> cipher_from_name(std::string_view text) {
  const CipherRow* found = find(kCiphers, &CipherRow::name, text);
  return found ? std::optional(found->mode) : std::nullopt;
}

std::string_view name(CipherMode mode) {
  const CipherRow* found = find_row(mode);
  return found ? found->name : "unknown";
}

bool takes_cipher_mode(KeyType type) {
  return row(type).family == KeyFamily::aes_raw;
}

SignatureScheme default_scheme(KeyType type) {
  return row(type).default_scheme;
}

bool fits(SignatureScheme scheme, KeyType type) {
  const SchemeRow* found = find_row(scheme);
  if (!found) return false;
  const MethodRow& method = method_row(found->method);
  return method.of_type ? scheme == default_scheme(type) : method.family == row(type).family;
}

}  // namespace nae
