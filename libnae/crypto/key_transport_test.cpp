#include "libnae/crypto/key_transport.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/test_spki.hpp"

namespace nae::crypto {
namespace {

using Pkey = handle<EVP_PKEY, EVP_PKEY_free>;

// What the receiving HSM does, spelt out on OpenSSL's own primitives.
Bytes unwrap(EVP_PKEY* key, const EVP_MD* hash, ByteView wrapped) {
  const handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> oaep(EVP_PKEY_CTX_new(key, nullptr));
  Byte transport_key[256];
  std::size_t size = sizeof transport_key;
  const auto modulus_bytes = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  if (EVP_PKEY_decrypt_init(oaep.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(oaep.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(oaep.get(), hash) != 1 ||
      EVP_PKEY_decrypt(oaep.get(), transport_key, &size, wrapped.data(), modulus_bytes) != 1 ||
      size != 32)
    return {};
  const handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> kwp(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX_set_flags(kwp.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  const ByteView sealed = wrapped.subspan(modulus_bytes);
  Bytes out(sealed.size());
  int written = 0;
  EVP_DecryptInit_ex(kwp.get(), EVP_aes_256_wrap_pad(), nullptr, transport_key, nullptr);
  if (EVP_DecryptUpdate(kwp.get(), out.data(), &written, sealed.data(),
                        static_cast<int>(sealed.size())) != 1)
    return {};
  out.resize(static_cast<std::size_t>(written));
  return out;
}

TEST(KeyTransport, OpensWithThePrivateKeyAndTheSameHash) {
  const Pkey pair(EVP_RSA_gen(2048));
  const Bytes public_key = spki_of(pair.get());
  for (std::size_t size : {1u, 16u, 32u, 33u, 2400u}) {
    SecretBytes key(size);
    std::ranges::fill(key.expose_for_writing(), 0x42);
    for (auto [hash, digest] : {std::pair(HashAlgorithm::sha1, EVP_sha1()),
                                std::pair(HashAlgorithm::sha256, EVP_sha256())}) {
      auto wrapped = wrap_for_transport(public_key, hash, key);
      ASSERT_TRUE(wrapped) << wrapped.error().message;
      EXPECT_EQ(wrapped->size(), 256 + (size + 7) / 8 * 8 + 8);
      EXPECT_EQ(unwrap(pair.get(), digest, *wrapped), Bytes(size, 0x42)) << size;
      const EVP_MD* other = digest == EVP_sha1() ? EVP_sha256() : EVP_sha1();
      EXPECT_TRUE(unwrap(pair.get(), other, *wrapped).empty());
    }
  }
}

TEST(KeyTransport, TakesAFreshTransportKeyEachTime) {
  const Pkey pair(EVP_RSA_gen(2048));
  SecretBytes key(32);
  std::ranges::fill(key.expose_for_writing(), 0x42);
  auto one = wrap_for_transport(spki_of(pair.get()), HashAlgorithm::sha256, key);
  auto two = wrap_for_transport(spki_of(pair.get()), HashAlgorithm::sha256, key);
  ASSERT_TRUE(one && two);
  EXPECT_NE(Bytes(one->begin() + 256, one->end()), Bytes(two->begin() + 256, two->end()));
}

TEST(KeyTransport, RefusesOtherKeysAndNoKey) {
  SecretBytes key(32);
  std::ranges::fill(key.expose_for_writing(), 0x42);
  for (const Bytes& public_key : {Bytes(), Bytes(64, 0x30), generate_p256()->spki}) {
    auto wrapped = wrap_for_transport(public_key, HashAlgorithm::sha256, key);
    ASSERT_FALSE(wrapped);
    EXPECT_EQ(wrapped.error().code, Code::invalid_argument);
  }
  const Pkey pair(EVP_RSA_gen(2048));
  EXPECT_FALSE(wrap_for_transport(spki_of(pair.get()), HashAlgorithm::sha256, SecretBytes()));
  EXPECT_FALSE(encrypt_oaep(spki_of(pair.get()), HashAlgorithm::sha256, Bytes(191)));
  EXPECT_TRUE(encrypt_oaep(spki_of(pair.get()), HashAlgorithm::sha256, Bytes(190)));
}

}  // namespace
}  // namespace nae::crypto
