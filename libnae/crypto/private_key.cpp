#include "libnae/crypto/private_key.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <climits>
#include <new>

#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/key_file.hpp"
#include "libnae/crypto/key_strength.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::crypto {
namespace {

using Bio = handle<BIO, BIO_free>;
using Pkey = handle<EVP_PKEY, EVP_PKEY_free>;
using PkeyContext = handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Pkcs8 = handle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;

tl::unexpected<Error> refused(const char* message, const char* hint = "") {
  ERR_clear_error();  // or a later TLS call on this thread finds it
  return fail(Code::invalid_argument, message, hint);
}

// A command that reads a file asks nobody for a password.
int no_password(char*, int, int, void*) {
  return -1;
}

Pkey parse(ByteView file) {
  const Bio in(BIO_new_mem_buf(file.data(), static_cast<int>(file.size())));
  if (!in) throw std::bad_alloc();
  if (Pkey key{PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr)}) return key;
  const unsigned char* at = file.data();
  Pkey key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(file.size())));
  return at == file.data() + file.size() ? std::move(key) : nullptr;
}

using Prime = handle<BIGNUM, BN_clear_free>;

Prime prime_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  return Prime(EVP_PKEY_get_bn_param(key, name, &value) == 1 ? value : nullptr);
}

// FIPS 186-5 appendix A.1.3: two primes, apart by more than 2^(half the length - 100). Here they
// can be seen; an HSM that is handed the key does not show them.
Result<void> check_primes(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return {};
  const Prime p = prime_of(key, OSSL_PKEY_PARAM_RSA_FACTOR1);
  const Prime q = prime_of(key, OSSL_PKEY_PARAM_RSA_FACTOR2);
  if (!p || !q) return refused("the RSA key does not name its primes");
  if (prime_of(key, OSSL_PKEY_PARAM_RSA_FACTOR3))
    return refused("the key is weak: it has more than two primes");
  Prime distance(BN_new());
  if (!distance || BN_sub(distance.get(), p.get(), q.get()) != 1) throw std::bad_alloc();
  const int half = EVP_PKEY_get_bits(key) / 2;
  if (BN_num_bits(p.get()) != half || BN_num_bits(q.get()) != half ||
      BN_num_bits(distance.get()) <= half - 100)
    return refused("the key is weak: its primes are close to each other or of unequal length");
  return {};
}

}  // namespace

Result<PrivateKey> read_private_key(const SecretBytes& file, std::optional<KeyType> purpose) {
  const Pkey key = file.size() > 0 && file.size() <= INT_MAX ? parse(file.expose()) : nullptr;
  if (!key && is_encrypted_key(file.expose())) {
    ERR_clear_error();
    return fail(encrypted_key("the key file"));
  }
  if (!key)
    return refused("the file holds no private key that can be read",
                   "Give an unencrypted PEM or PKCS#8 file: openssl pkcs8 -topk8 -nocrypt");
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key.get(), &der);
  if (size <= 0) return refused("the private key has no public half");
  PrivateKey read;
  read.public_key.assign(der, der + size);
  OPENSSL_free(der);
  NAE_ASSIGN(const PublicKey public_half, purpose ? PublicKey::of_type(*purpose, read.public_key)
                                                  : PublicKey::from_der(read.public_key));
  read.type = public_half.type();

  const PkeyContext check(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (!check || EVP_PKEY_check(check.get()) != 1)
    return refused("the parts of the private key contradict each other");
  NAE_TRY(check_strength(public_half));
  NAE_TRY(check_primes(key.get()));
  const Pkcs8 info(EVP_PKEY2PKCS8(key.get()));
  const int bytes = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr) : 0;
  if (bytes <= 0) return refused("the private key has no PKCS#8 form");
  read.pkcs8 = SecretBytes(static_cast<std::size_t>(bytes));
  unsigned char* out = read.pkcs8.expose_for_writing().data();
  i2d_PKCS8_PRIV_KEY_INFO(info.get(), &out);
  ERR_clear_error();
  return read;
}

}  // namespace nae::crypto
