#include "libnae/crypto/spki.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <optional>

#include "libnae/crypto/handle.hpp"

namespace nae::crypto {
namespace {

using PkeyHandle = handle<EVP_PKEY, EVP_PKEY_free>;
using ContextHandle = handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using NumberHandle = handle<BIGNUM, BN_free>;
using BuilderHandle = handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParametersHandle = handle<OSSL_PARAM, OSSL_PARAM_free>;

tl::unexpected<Error> refused(KeyType type) {
  ERR_clear_error();  // or a later TLS call on this thread finds it
  return fail(Code::invalid_argument, "not a public key of type " + std::string(name(type)));
}

Result<Bytes> encoded(EVP_PKEY* key, KeyType type) {
  const int size = i2d_PUBKEY(key, nullptr);
  if (size <= 0) return refused(type);
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* end = der.data();
  if (i2d_PUBKEY(key, &end) != size) return refused(type);
  return der;
}

Result<Bytes> from_parameters(const char* algorithm, OSSL_PARAM_BLD* builder, KeyType type) {
  const ParametersHandle parameters(OSSL_PARAM_BLD_to_param(builder));
  const ContextHandle context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return refused(type);
  const PkeyHandle key(made);
  // A point off the curve would make verification meaningless.
  const ContextHandle check(EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
  if (!check || EVP_PKEY_public_check(check.get()) != 1) return refused(type);
  return encoded(made, type);
}

std::optional<KeyType> rsa_type(int bits) {
  for (const KeyTypeRow& type : key_types())
    if (type.family == KeyFamily::rsa && type.bits == bits) return type.type;
  return std::nullopt;
}

NumberHandle number(ByteView bytes) {
  return NumberHandle(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

}  // namespace

Result<Bytes> spki_of_rsa(ByteView modulus, ByteView exponent) {
  constexpr std::size_t kModulusMaxBytes = 513;  // RSA-4096 and a leading zero
  if (modulus.size() > kModulusMaxBytes || exponent.size() > 8) return refused(KeyType::rsa_4096);
  const NumberHandle n = number(modulus), e = number(exponent);
  const auto type = n ? rsa_type(BN_num_bits(n.get())) : std::nullopt;
  if (!type) return fail(Code::invalid_argument, "not an RSA modulus of a size in use");
  const BuilderHandle builder(OSSL_PARAM_BLD_new());
  if (!builder || !e ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return refused(*type);
  return from_parameters("RSA", builder.get(), *type);
}

Result<Bytes> spki_of_ec(KeyType type, ByteView point) {
  const KeyTypeRow& curve = row(type);
  const bool is_curve = curve.family == KeyFamily::ec || curve.family == KeyFamily::ecdh;
  if (!is_curve || point.size() != 1 + 2 * curve.coordinate_bytes() || point[0] != 0x04)
    return refused(type);
  const BuilderHandle builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.curve.data(),
                                      0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return refused(type);
  return from_parameters("EC", builder.get(), type);
}

Result<Bytes> spki_of_edwards(KeyType type, ByteView point) {
  const KeyTypeRow& curve = row(type);
  if (curve.family != KeyFamily::edwards && curve.family != KeyFamily::xdh) return refused(type);
  const PkeyHandle key(EVP_PKEY_new_raw_public_key_ex(nullptr, curve.curve.data(), nullptr,
                                                      point.data(), point.size()));
  if (!key) return refused(type);
  return encoded(key.get(), type);
}

}  // namespace nae::crypto
