#include "libnae/crypto/jwk.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

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

std::string edwards_point(const EVP_PKEY* key, const KeyTypeRow& type) {
  Bytes point(type.coordinate_bytes());
  std::size_t size = point.size();
  if (EVP_PKEY_get_raw_public_key(key, point.data(), &size) != 1 || size != point.size()) return {};
  return to_base64url(point);
}

}  // namespace

Result<std::vector<std::pair<std::string_view, std::string>>> jwk_members(KeyType key_type,
                                                                          ByteView spki) {
  NAE_ASSIGN(const PublicKey parsed, PublicKey::of_type(key_type, spki));
  const unsigned char* at = spki.data();
  const Pkey owner(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  const EVP_PKEY* key = owner.get();
  std::vector<std::pair<std::string_view, std::string>> members;
  const KeyTypeRow& type = row(parsed.type());
  switch (type.family) {
    case KeyFamily::ec:
    case KeyFamily::ecdh: {
      // RFC 7518 section 6.2.1.2: the curve's full length
      const int bytes = static_cast<int>(type.coordinate_bytes());
      members = {{"crv", std::string(type.curve)},
                 {"kty", "EC"},
                 {"x", number(key, OSSL_PKEY_PARAM_EC_PUB_X, bytes)},
                 {"y", number(key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes)}};
      break;
    }
    case KeyFamily::edwards:
    case KeyFamily::xdh:  // RFC 8037
      members = {{"crv", std::string(type.curve)}, {"kty", "OKP"}, {"x", edwards_point(key, type)}};
      break;
    case KeyFamily::rsa:
    case KeyFamily::rsa_decrypt:
      members = {{"e", number(key, OSSL_PKEY_PARAM_RSA_E, 0)},
                 {"kty", "RSA"},
                 {"n", number(key, OSSL_PKEY_PARAM_RSA_N, 0)}};
      break;
    case KeyFamily::aes:
    case KeyFamily::hmac:
    case KeyFamily::aes_raw:
      break;
  }
  ERR_clear_error();
  for (const auto& [name, value] : members)
    if (value.empty()) return fail(Code::invalid_argument, "the public key lacks a number");
  return members;
}

Result<std::vector<std::pair<std::string_view, std::string>>> jwk_members(ByteView spki) {
  NAE_ASSIGN(const PublicKey parsed, PublicKey::from_der(spki));
  return jwk_members(parsed.type(), spki);
}

std::string_view jose_name(SignatureScheme scheme) {
  const SchemeRow* found = find_row(scheme);
  return found ? found->jose_name : "";
}

}  // namespace nae::crypto
