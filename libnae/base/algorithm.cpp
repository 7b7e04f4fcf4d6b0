#include "libnae/base/algorithm.hpp"

#include <algorithm>
#include <iterator>

namespace nae {
namespace {

constexpr Action kCipher[] = {Action::encrypt, Action::decrypt, Action::rewrap};
constexpr Action kMac[] = {Action::mac, Action::mac_verify};
constexpr Action kSign[] = {Action::sign, Action::verify};

constexpr KeyTypeRow kKeyTypes[] = {
    {KeyType::aes_256_gcm, "aes-256-gcm", kCipher},
    {KeyType::aes_256_siv, "aes-256-siv", kCipher},
    {KeyType::hmac_sha_256, "hmac-sha-256", kMac},
    {KeyType::hmac_sha_256_raw, "hmac-sha-256-raw", kMac},
    {KeyType::rsa_2048, "rsa-2048", kSign},
    {KeyType::rsa_3072, "rsa-3072", kSign},
    {KeyType::rsa_4096, "rsa-4096", kSign},
    {KeyType::ecdsa_p256, "ecdsa-p256", kSign},
    {KeyType::ecdsa_p384, "ecdsa-p384", kSign},
    {KeyType::ed25519, "ed25519", kSign},
};

struct HashRow {
  HashAlgorithm algorithm;
  std::string_view name;
  std::size_t bytes;
};
constexpr HashRow kHashes[] = {
    {HashAlgorithm::sha256, "sha256", 32}, {HashAlgorithm::sha384, "sha384", 48},
    {HashAlgorithm::sha512, "sha512", 64}, {HashAlgorithm::sha224, "sha224", 28},
    {HashAlgorithm::sha1, "sha1", 20},
};

constexpr SchemeRow kSchemes[] = {
    {SignatureScheme::rsa_pss_sha256, "rsa-pss-sha256", HashAlgorithm::sha256, true},
    {SignatureScheme::rsa_pss_sha384, "rsa-pss-sha384", HashAlgorithm::sha384, true},
    {SignatureScheme::rsa_pss_sha512, "rsa-pss-sha512", HashAlgorithm::sha512, true},
    {SignatureScheme::rsa_pkcs1_sha256, "rsa-pkcs1-sha256", HashAlgorithm::sha256, true},
    {SignatureScheme::rsa_pkcs1_sha384, "rsa-pkcs1-sha384", HashAlgorithm::sha384, true},
    {SignatureScheme::rsa_pkcs1_sha512, "rsa-pkcs1-sha512", HashAlgorithm::sha512, true},
    {SignatureScheme::rsa_pkcs1_sha1, "rsa-pkcs1-sha1", HashAlgorithm::sha1, false},
    {SignatureScheme::ecdsa_p256_sha256, "ecdsa-p256-sha256", HashAlgorithm::sha256, true},
    {SignatureScheme::ecdsa_p384_sha384, "ecdsa-p384-sha384", HashAlgorithm::sha384, true},
    {SignatureScheme::ed25519, "ed25519", std::nullopt, true},
};

bool is_rsa(KeyType type) {
  return type == KeyType::rsa_2048 || type == KeyType::rsa_3072 || type == KeyType::rsa_4096;
}

const HashRow& hash_row(HashAlgorithm algorithm) {
  for (const HashRow& r : kHashes)
    if (r.algorithm == algorithm) return r;
  return kHashes[0];
}

}  // namespace

std::span<const KeyTypeRow> key_types() {
  return kKeyTypes;
}

const KeyTypeRow& row(KeyType type) {
  for (const KeyTypeRow& r : kKeyTypes)
    if (r.type == type) return r;
  static constexpr KeyTypeRow kUnknown{KeyType{}, "unknown", {}};
  return kUnknown;
}

std::optional<KeyType> key_type_from_name(std::string_view text) {
  for (const KeyTypeRow& r : kKeyTypes)
    if (r.name == text) return r.type;
  return std::nullopt;
}

std::optional<KeyType> key_type_from_number(std::uint8_t number) {
  for (const KeyTypeRow& r : kKeyTypes)
    if (static_cast<std::uint8_t>(r.type) == number) return r.type;
  return std::nullopt;
}

bool allows(KeyType type, Action action) {
  auto actions = row(type).actions;
  return std::find(actions.begin(), actions.end(), action) != actions.end();
}

std::string_view name(HashAlgorithm algorithm) {
  return hash_row(algorithm).name;
}
std::size_t digest_bytes(HashAlgorithm algorithm) {
  return hash_row(algorithm).bytes;
}

std::optional<HashAlgorithm> hash_from_name(std::string_view text) {
  for (const HashRow& r : kHashes)
    if (r.name == text) return r.algorithm;
  return std::nullopt;
}

std::optional<HashAlgorithm> hash_from_number(std::uint8_t number) {
  for (const HashRow& r : kHashes)
    if (static_cast<std::uint8_t>(r.algorithm) == number) return r.algorithm;
  return std::nullopt;
}

const SchemeRow* find_row(SignatureScheme scheme) {
  const auto* found = std::find_if(std::begin(kSchemes), std::end(kSchemes),
                                   [&](const SchemeRow& r) { return r.scheme == scheme; });
  return found == std::end(kSchemes) ? nullptr : found;
}

std::optional<SignatureScheme> scheme_from_name(std::string_view text) {
  for (const SchemeRow& r : kSchemes)
    if (r.name == text) return r.scheme;
  return std::nullopt;
}

std::string_view name(SignatureScheme scheme) {
  const SchemeRow* found = find_row(scheme);
  return found ? found->name : "default";
}

SignatureScheme default_scheme(KeyType type) {
  if (is_rsa(type)) return SignatureScheme::rsa_pss_sha256;
  switch (type) {
    case KeyType::ecdsa_p256:
      return SignatureScheme::ecdsa_p256_sha256;
    case KeyType::ecdsa_p384:
      return SignatureScheme::ecdsa_p384_sha384;
    case KeyType::ed25519:
      return SignatureScheme::ed25519;
    default:
      return SignatureScheme::key_default;
  }
}

bool fits(SignatureScheme scheme, KeyType type) {
  const SchemeRow* found = find_row(scheme);
  if (!found) return false;
  if (is_rsa(type)) return found->name.substr(0, 4) == "rsa-";
  return scheme == default_scheme(type);
}

}  // namespace nae
