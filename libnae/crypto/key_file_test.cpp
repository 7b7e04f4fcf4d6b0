#include "libnae/crypto/key_file.hpp"

#include <gmock/gmock.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/private_key.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::crypto {
namespace {

using ::testing::HasSubstr;
using Bio = handle<BIO, BIO_free>;
using Pkey = handle<EVP_PKEY, EVP_PKEY_free>;

const auto* const kHeap = take_secure_heap_for_tests();

SecretBytes secret(std::string_view text) {
  SecretBytes bytes(text.size());
  std::copy(text.begin(), text.end(), bytes.expose_for_writing().begin());
  return bytes;
}
std::string text_of(BIO* out) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  return {data, static_cast<std::size_t>(size)};
}
Pkey p256() {
  return Pkey(EVP_EC_gen("P-256"));
}
Pkey rsa_pss() {
  const handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> making(
      EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr));
  EVP_PKEY* made = nullptr;
  EXPECT_EQ(EVP_PKEY_keygen_init(making.get()), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_keygen_bits(making.get(), 2048), 1);
  EXPECT_EQ(EVP_PKEY_generate(making.get(), &made), 1);
  return Pkey(made);
}
// As "openssl pkcs8 -topk8" and "openssl ec -aes256" write them.
std::string encrypted(const Pkey& key, bool as_pkcs8) {
  const Bio out(BIO_new(BIO_s_mem()));
  const char phrase[] = "secret";
  const int written =
      as_pkcs8 ? PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_256_cbc(), phrase, 6,
                                               nullptr, nullptr)
               : PEM_write_bio_PrivateKey_traditional(
                     out.get(), key.get(), EVP_aes_256_cbc(),
                     reinterpret_cast<const unsigned char*>(phrase), 6, nullptr, nullptr);
  EXPECT_EQ(written, 1);
  return text_of(out.get());
}

TEST(KeyFile, AnEncryptedKeyIsCalledSoByEveryReader) {
  const Pkey key = p256();
  for (bool as_pkcs8 : {true, false}) {
    const std::string pem = encrypted(key, as_pkcs8);
    ASSERT_TRUE(is_encrypted_key(as_bytes(pem))) << pem;
    const auto imported = read_private_key(secret(pem));
    ASSERT_FALSE(imported);
    EXPECT_THAT(imported.error().message, HasSubstr("encrypted under a passphrase"));
    EXPECT_THAT(imported.error().hint, HasSubstr("openssl pkey"));
    const auto signer = software_signer(as_bytes(pem));
    ASSERT_FALSE(signer);
    EXPECT_THAT(signer.error().message, HasSubstr("encrypted under a passphrase"));
  }
  EXPECT_FALSE(is_encrypted_key(as_bytes("-----BEGIN PRIVATE KEY-----")));
  EXPECT_FALSE(is_encrypted_key({}));
}

TEST(KeyFile, UnsupportedKeysAreNamed) {
  const auto refusal_of = [](const Pkey& key) {
    const Bio out(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr),
              1);
    const auto read = read_private_key(secret(text_of(out.get())));
    return read ? Error(Code{}, "taken") : read.error();
  };
  const Error pss = refusal_of(rsa_pss());
  EXPECT_EQ(pss.code, Code::unsupported);
  EXPECT_THAT(pss.message, HasSubstr("RSASSA-PSS alone"));
  EXPECT_THAT(pss.hint, HasSubstr("rsaEncryption"));
  const Error short_one = refusal_of(Pkey(EVP_RSA_gen(1024)));
  EXPECT_THAT(short_one.message, HasSubstr("RSA, 1024 bits"));
  EXPECT_THAT(refusal_of(Pkey(EVP_EC_gen("secp256k1"))).message, HasSubstr("EC on secp256k1"));
  EXPECT_THAT(refusal_of(Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"))).message,
              HasSubstr("X25519"));
}

}  // namespace
}  // namespace nae::crypto
