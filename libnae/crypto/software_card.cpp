#include "libnae/crypto/software_card.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <new>

#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::crypto {
namespace {

using Pkey = handle<EVP_PKEY, EVP_PKEY_free>;
using PkeyContext = handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Bio = handle<BIO, BIO_free>;
using PrivateKeyInfo = handle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using Encrypted = handle<X509_SIG, X509_SIG_free>;
using Algorithm = handle<X509_ALGOR, X509_ALGOR_free>;

constexpr std::size_t kModulusBits = 3072;
// RFC 7914 section 2: 16 MiB and some 50 ms, which OpenSSL's reader allows without being asked.
constexpr std::uint64_t kScryptN = 16384, kScryptR = 8, kScryptP = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kMaxPassphraseBytes = 1024;

tl::unexpected<Error> refused() {
  ERR_clear_error();  // or a later TLS call on this thread finds it
  return fail(Code::authentication_failed, "the card's file does not open",
              "The passphrase or the file is not that of this card.");
}

int give_passphrase(char* buffer, int size, int, void* passphrase) {
  const auto& secret = *static_cast<const SecretBytes*>(passphrase);
  if (size < 0 || secret.size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, secret.expose().data(), secret.size());
  return static_cast<int>(secret.size());
}

Pkey read_key(ByteView pem, const SecretBytes& passphrase) {
  if (pem.empty() || pem.size() > INT_MAX || passphrase.size() == 0) return nullptr;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) throw std::bad_alloc();
  Pkey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_passphrase,
                                   const_cast<SecretBytes*>(&passphrase)));
  if (key && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) key.reset();
  return key;
}

Result<Bytes> public_half(const EVP_PKEY* key) {
  Byte* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return refused();
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

Result<Bytes> encrypted_pem(const EVP_PKEY* key, const SecretBytes& passphrase) {
  std::array<Byte, kSaltBytes> salt;
  NAE_TRY(random_bytes(salt));
  const PrivateKeyInfo info(EVP_PKEY2PKCS8(key));
  Algorithm algorithm(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt.data(), salt.size(), nullptr,
                                            kScryptN, kScryptR, kScryptP));
  if (!info || !algorithm) return fail(Code::internal, "a card's key cannot be encrypted");
  const Encrypted encrypted(
      PKCS8_set0_pbe(reinterpret_cast<const char*>(passphrase.expose().data()),
                     static_cast<int>(passphrase.size()), info.get(), algorithm.get()));
  if (!encrypted) return fail(Code::internal, "a card's key cannot be encrypted");
  (void)algorithm.release();  // of `encrypted` now
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio) throw std::bad_alloc();
  char* text = nullptr;
  if (PEM_write_bio_PKCS8(bio.get(), encrypted.get()) != 1)
    return fail(Code::internal, "a card's file cannot be written");
  const long size = BIO_get_mem_data(bio.get(), &text);
  return Bytes(text, text + size);
}

}  // namespace

Result<SoftwareCard> make_software_card(const SecretBytes& passphrase) {
  if (passphrase.size() == 0 || passphrase.size() > kMaxPassphraseBytes)
    return fail(Code::invalid_argument, "a card's passphrase has 1 to 1024 bytes");
  NAE_TRY(reseed());
  const Pkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", kModulusBits));
  if (!key) return fail(Code::internal, "a card's key cannot be generated");
  SoftwareCard card;
  NAE_ASSIGN(card.public_key, public_half(key.get()));
  NAE_ASSIGN(card.pem, encrypted_pem(key.get(), passphrase));
  return card;
}

Result<Bytes> public_key_of_card(ByteView pem, const SecretBytes& passphrase) {
  const Pkey key = read_key(pem, passphrase);
  if (!key) return refused();
  return public_half(key.get());
}

Result<SecretBytes> decrypt_oaep(ByteView pem, const SecretBytes& passphrase, HashAlgorithm hash,
                                 ByteView ciphertext) {
  const Pkey key = read_key(pem, passphrase);
  if (!key) return refused();
  const PkeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (!context) throw std::bad_alloc();
  const EVP_MD* md = EVP_get_digestbyname(name(hash).data());
  SecretBytes room(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
  std::size_t size = room.size();
  if (EVP_PKEY_decrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), md) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), md) != 1 ||
      EVP_PKEY_decrypt(context.get(), room.expose_for_writing().data(), &size, ciphertext.data(),
                       ciphertext.size()) != 1)
    return refused();
  SecretBytes plaintext(size);
  std::ranges::copy(room.expose().first(size), plaintext.expose_for_writing().begin());
  return plaintext;
}

}  // namespace nae::crypto
