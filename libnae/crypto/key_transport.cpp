#include "libnae/crypto/key_transport.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <climits>
#include <new>

#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/key_wrap.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::crypto {
namespace {

using Pkey = handle<EVP_PKEY, EVP_PKEY_free>;
using PkeyContext = handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

constexpr std::size_t kTransportKeyBytes = 32;

tl::unexpected<Error> not_wrapped(const char* message) {
  ERR_clear_error();  // or a later TLS call on this thread finds it
  return fail(Code::invalid_argument, message);
}

const EVP_MD* oaep_hash(HashAlgorithm hash) {
  return EVP_get_digestbyname(name(hash).data());
}

}  // namespace

Result<Bytes> encrypt_oaep(ByteView public_key, HashAlgorithm hash, ByteView secret) {
  const unsigned char* at = public_key.data();
  const Pkey key(public_key.size() > LONG_MAX
                     ? nullptr
                     : d2i_PUBKEY(nullptr, &at, static_cast<long>(public_key.size())));
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA)
    return not_wrapped("the import key is no RSA public key");
  const PkeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (!context) throw std::bad_alloc();
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
  std::size_t size = out.size();
  if (EVP_PKEY_encrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), oaep_hash(hash)) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), oaep_hash(hash)) != 1 ||
      EVP_PKEY_encrypt(context.get(), out.data(), &size, secret.data(), secret.size()) != 1)
    return not_wrapped("the secret does not fit under the import key");
  out.resize(size);
  return out;
}

Result<Bytes> wrap_for_transport(ByteView public_key, HashAlgorithm hash, const SecretBytes& key) {
  if (key.size() == 0 || key.size() > INT_MAX / 2) return not_wrapped("there is no key to wrap");
  SecretBytes transport_key(kTransportKeyBytes);
  NAE_TRY(random_bytes(transport_key.expose_for_writing()));
  NAE_ASSIGN(Bytes wrapped, encrypt_oaep(public_key, hash, transport_key.expose()));
  NAE_ASSIGN(const Bytes sealed, wrap_kwp(transport_key, key.expose()));
  wrapped.insert(wrapped.end(), sealed.begin(), sealed.end());
  return wrapped;
}

}  // namespace nae::crypto
