#include "libnae/crypto/jwk.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>

#include "libnae/crypto/base64.hpp"
#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::crypto {
namespace {

using Pkey = handle<EVP_PKEY, EVP_PKEY_free>;
using Number = handle<BIGNUM, BN_free>;

// Big endian; `bytes` 0: as short as the number is. "" when the key has no such number.
std::string number(const EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* read = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &read) != 1) return {};
  const Number value(read);
  Bytes out(static_cast<std::size_t>(bytes > 0 ? bytes : BN_num_bytes(read)));
  if (BN_bn2binpad(read, out.data(), static_cast<int>(out.size())) < 0) return {};
  return to_base64url(out);
}

std::string edwards_point(const EVP_PKEY* key) {
  std::array<Byte, 32> point;
  std::size_t size = point.size();
  if (EVP_PKEY_get_raw_public_key(key, point.data(), &size) != 1 || size != point.size()) return {};
  return to_base64url(point);
}

}  // namespace

Result<std::vector<std::pair<std::string_view, std::string>>> jwk_members(ByteView spki) {
  NAE_ASSIGN(const PublicKey parsed, PublicKey::from_der(spki));
  const unsigned char* at = spki.data();
  const Pkey owner(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  const EVP_PKEY* key = owner.get();
  std::vector<std::pair<std::string_view, std::string>> members;
  switch (parsed.type()) {
    case KeyType::ecdsa_p256:
    case KeyType::ecdsa_p384: {
      const bool p256 = parsed.type() == KeyType::ecdsa_p256;
      const int bytes = p256 ? 32 : 48;  // RFC 7518 section 6.2.1.2: the curve's full length
      members = {{"crv", p256 ? "P-256" : "P-384"},
                 {"kty", "EC"},
                 {"x", number(key, OSSL_PKEY_PARAM_EC_PUB_X, bytes)},
                 {"y", number(key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes)}};
      break;
    }
    case KeyType::ed25519:
      members = {{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", edwards_point(key)}};
      break;
    default:
      members = {{"e", number(key, OSSL_PKEY_PARAM_RSA_E, 0)},
                 {"kty", "RSA"},
                 {"n", number(key, OSSL_PKEY_PARAM_RSA_N, 0)}};
  }
  ERR_clear_error();
  for (const auto& [name, value] : members)
    if (value.empty()) return fail(Code::invalid_argument, "the public key lacks a number");
  return members;
}

std::string_view jose_name(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::rsa_pss_sha256:
      return "PS256";
    case SignatureScheme::rsa_pss_sha384:
      return "PS384";
    case SignatureScheme::rsa_pss_sha512:
      return "PS512";
    case SignatureScheme::rsa_pkcs1_sha256:
      return "RS256";
    case SignatureScheme::rsa_pkcs1_sha384:
      return "RS384";
    case SignatureScheme::rsa_pkcs1_sha512:
      return "RS512";
    case SignatureScheme::ecdsa_p256_sha256:
      return "ES256";
    case SignatureScheme::ecdsa_p384_sha384:
      return "ES384";
    case SignatureScheme::ed25519:
      return "EdDSA";
    default:
      return "";
  }
}

}  // namespace nae::crypto
