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

}  // namespace

Result<void> check_point(KeyType type, ByteView point) {
  NAE_TRY(spki_of_ec(type, point));
  return {};
}

Result<Agreement> agree_with(KeyType type, ByteView spki) {
  NAE_TRY(PublicKey::of_type(type, spki));
  const unsigned char* at = spki.data();
  const Pair other(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  const Pair own(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", row(type).curve.data()));
  const PairContext context(own ? EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr)
                                : nullptr);
  Agreement made;
  made.secret.resize(row(type).coordinate_bytes());
  made.point.resize(1 + 2 * row(type).coordinate_bytes());
  std::size_t secret_bytes = made.secret.size(), point_bytes = made.point.size();
  if (!other || !context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
      EVP_PKEY_derive(context.get(), made.secret.data(), &secret_bytes) != 1 ||
      EVP_PKEY_get_octet_string_param(own.get(), OSSL_PKEY_PARAM_PUB_KEY, made.point.data(),
                                      made.point.size(), &point_bytes) != 1 ||
      secret_bytes != made.secret.size() || point_bytes != made.point.size())
    return no_agreement();
  return made;
}

}  // namespace nae::crypto
