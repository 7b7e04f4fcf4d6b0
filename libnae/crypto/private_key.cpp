#include "libnae/crypto/private_key.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <climits>
#include <new>

#include "libnae/crypto/handle.hpp"
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

}  // namespace

Result<PrivateKey> read_private_key(const SecretBytes& file) {
  const Pkey key = file.size() > 0 && file.size() <= INT_MAX ? parse(file.expose()) : nullptr;
  if (!key)
    return refused("the file holds no private key that can be read",
                   "Give an unencrypted PEM or PKCS#8 file: openssl pkcs8 -topk8 -nocrypt");
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key.get(), &der);
  if (size <= 0) return refused("the private key has no public half");
  PrivateKey read;
  read.public_key.assign(der, der + size);
  OPENSSL_free(der);
  NAE_ASSIGN(const PublicKey public_half, PublicKey::from_der(read.public_key));
  read.type = public_half.type();

  const PkeyContext check(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (!check || EVP_PKEY_check(check.get()) != 1)
    return refused("the parts of the private key contradict each other");
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
