#include "libnae/crypto/key_agreement.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <climits>

#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/crypto/spki.hpp"

namespace nae::crypto {
namespace {

using Pair = handle<EVP_PKEY, EVP_PKEY_free>;
using PairContext = handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

tl::unexpected<Error> no_agreement() {
  ERR_clear_error();  // or a later TLS call on this thread finds it
  return fail(Code::internal, "OpenSSL computes no ECDH on this curve");
}

bool is_montgomery(KeyType type) {
  return row(type).family == KeyFamily::xdh;
}

Pair fresh_pair(KeyType type) {
  const char* curve = row(type).curve.data();
  return Pair(is_montgomery(type) ? EVP_PKEY_Q_keygen(nullptr, nullptr, curve)
                                  : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
}

std::size_t point_bytes_of(KeyType type) {
  return is_montgomery(type) ? row(type).coordinate_bytes() : 1 + 2 * row(type).coordinate_bytes();
}

Result<Agreement> agree_with(KeyType type, EVP_PKEY* other) {
  const Pair own = fresh_pair(type);
  const PairContext context(own ? EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr)
                                : nullptr);
  Agreement made;
  made.secret.resize(row(type).coordinate_bytes());
  made.point.resize(point_bytes_of(type));
  std::size_t secret_bytes = made.secret.size(), point_bytes = made.point.size();
  if (!other || !context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other) != 1 ||
      EVP_PKEY_derive(context.get(), made.secret.data(), &secret_bytes) != 1 ||
      EVP_PKEY_get_octet_string_param(own.get(), OSSL_PKEY_PARAM_PUB_KEY, made.point.data(),
                                      made.point.size(), &point_bytes) != 1 ||
      secret_bytes != made.secret.size() || point_bytes != made.point.size())
    return no_agreement();
  return made;
}

}  // namespace

Result<void> check_point(KeyType type, ByteView point) {
  if (!is_montgomery(type)) {
    NAE_TRY(spki_of_ec(type, point));
    return {};
  }
  // Every 32 bytes are a point of the curve or its twist. Those of small order agree with every key
  // on zero, for every private key is a multiple of their orders (RFC 7748 sections 5 and 6.1):
  // with this one, too.
  const Pair other(EVP_PKEY_new_raw_public_key_ex(nullptr, row(type).curve.data(), nullptr,
                                                  point.data(), point.size()));
  if (point.size() == point_bytes_of(type) && other && agree_with(type, other.get())) return {};
  ERR_clear_error();
  return fail(Code::invalid_argument,
              "not a point to agree with by a key of type " + std::string(name(type)));
}

Result<Agreement> agree_with(KeyType type, ByteView spki) {
  NAE_TRY(PublicKey::of_type(type, spki));
  const unsigned char* at = spki.data();
  const Pair other(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  return agree_with(type, other.get());
}

}  // namespace nae::crypto
