#include "libnae/crypto/rsa_padding.hpp"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <set>

#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/hash.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::crypto {
namespace {

using Pkey = handle<EVP_PKEY, EVP_PKEY_free>;
using Number = handle<BIGNUM, BN_free>;

Pkey key_of(const vectors::Vector& v) {
  static const auto kKeys = vectors::read("rsa_decryption.txt", "key");
  const Bytes der = kKeys.at(v.bytes("key").at(0)).bytes("private_key");
  const unsigned char* at = der.data();
  return Pkey(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
}

// What an HSM gives that takes no padding off.
Bytes applied(EVP_PKEY* key, ByteView ciphertext) {
  const handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new(key, nullptr));
  Bytes out(ciphertext.size());
  std::size_t size = out.size();
  EXPECT_EQ(EVP_PKEY_decrypt_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context.get(), 3 /* RSA_NO_PADDING */), 1);
  EXPECT_EQ(
      EVP_PKEY_decrypt(context.get(), out.data(), &size, ciphertext.data(), ciphertext.size()), 1);
  EXPECT_EQ(size, out.size());
  return out;
}

// OpenSSL's secret of implicit rejection is a digest of the private exponent.
SecretBytes secret_of(EVP_PKEY* key) {
  BIGNUM* read = nullptr;
  EXPECT_EQ(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_D, &read), 1);
  const Number exponent(read);
  Bytes padded(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  BN_bn2binpad(exponent.get(), padded.data(), static_cast<int>(padded.size()));
  const auto digest = sha256(padded);
  SecretBytes secret(digest.size());
  std::ranges::copy(digest, secret.expose_for_writing().begin());
  return secret;
}

TEST(Oaep, OpensWhatAnotherImplementationSealed) {
  std::set<std::string> seen;
  for (const auto& v : vectors::read("rsa_decryption.txt", "oaep")) {
    const std::string hash_name(as_text(v.bytes("hash")));
    seen.insert(hash_name);
    const HashAlgorithm hash = *hash_from_name(hash_name);
    const Pkey key = key_of(v);
    const Bytes encoded = applied(key.get(), v.bytes("ciphertext"));
    const Bytes label = v.bytes("label");
    const auto opened = remove_oaep(hash, label, encoded);
    ASSERT_TRUE(opened) << v.line;
    EXPECT_EQ(*opened, v.bytes("message")) << v.line;

    Bytes other_label = label;
    other_label.push_back('x');
    EXPECT_EQ(remove_oaep(hash, other_label, encoded).error().code, Code::authentication_failed);
    for (const std::size_t place :
         {std::size_t{0}, std::size_t{1}, encoded.size() / 2, encoded.size() - 1}) {
      Bytes changed = encoded;
      changed[place] ^= 1;
      const auto refused = remove_oaep(hash, label, changed);
      ASSERT_FALSE(refused) << v.line << " " << place;
      EXPECT_EQ(refused.error().code, Code::authentication_failed);
      EXPECT_EQ(refused.error().message, remove_oaep(hash, other_label, encoded).error().message)
          << "one answer for all";
    }
  }
  EXPECT_EQ(seen.size(), 5u);
}

TEST(Oaep, IsNothingWhereThereIsNoRoomForIt) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{64}})
    EXPECT_FALSE(remove_oaep(HashAlgorithm::sha256, {}, Bytes(bytes, Byte{0})));
}

// Forged ones too: the message that OpenSSL 3.2 puts in the place of what is none.
TEST(Pkcs1, AnswersAsOpensslDoes) {
  int forged = 0;
  std::set<std::size_t> lengths;
  for (const auto& v : vectors::read("rsa_decryption.txt", "pkcs1")) {
    const Pkey key = key_of(v);
    const Bytes ciphertext = v.bytes("ciphertext");
    const Bytes message =
        remove_pkcs1(secret_of(key.get()), ciphertext, applied(key.get(), ciphertext));
    EXPECT_EQ(message, v.bytes("message")) << v.line;
    if (!v.values.contains("forged")) continue;
    ++forged;
    lengths.insert(message.size());
  }
  EXPECT_GE(forged, 48);
  EXPECT_GE(lengths.size(), 24u) << "a length would tell";
}

TEST(Pkcs1, WhatIsNoneBecomesAMessageOfSecretAndCiphertext) {
  const auto v = vectors::read("rsa_decryption.txt", "pkcs1").front();
  const Bytes ciphertext = v.bytes("ciphertext");
  Bytes encoded(ciphertext.size(), Byte{7}), other_ciphertext = ciphertext;
  other_ciphertext.back() ^= 1;
  SecretBytes secret(32), other_secret(32);
  std::ranges::fill(secret.expose_for_writing(), Byte{1});
  std::ranges::fill(other_secret.expose_for_writing(), Byte{2});
  const Bytes first = remove_pkcs1(secret, ciphertext, encoded);
  EXPECT_EQ(remove_pkcs1(secret, ciphertext, encoded), first);
  EXPECT_NE(remove_pkcs1(secret, other_ciphertext, encoded), first);
  EXPECT_NE(remove_pkcs1(other_secret, ciphertext, encoded), first);
  encoded.assign(ciphertext.size(), Byte{9});
  EXPECT_EQ(remove_pkcs1(secret, ciphertext, encoded), first) << "what was in it does not show";
}

TEST(Pkcs1, HasEightBytesOfPaddingAtTheLeast) {
  const Bytes ciphertext(256, Byte{3});
  SecretBytes secret(32);
  std::ranges::fill(secret.expose_for_writing(), Byte{1});
  Bytes encoded(256, Byte{5});
  const auto message = [&](std::size_t zero_at) {
    Bytes at = encoded;
    at[0] = 0;
    at[1] = 2;
    if (zero_at != 0) at[zero_at] = 0;
    return remove_pkcs1(secret, ciphertext, at);
  };
  const Bytes instead = remove_pkcs1(secret, ciphertext, encoded);
  EXPECT_EQ(message(0), instead);
  for (std::size_t zero_at = 2; zero_at < 10; ++zero_at)
    EXPECT_EQ(message(zero_at), instead) << zero_at;
  for (std::size_t zero_at = 10; zero_at < 256; ++zero_at)
    EXPECT_EQ(message(zero_at), Bytes(255 - zero_at, Byte{5})) << zero_at;
  EXPECT_TRUE(remove_pkcs1(secret, ciphertext, Bytes(10, Byte{0})).empty());
}

TEST(Modulus, IsThatOfAnRsaKeyAlone) {
  const auto v = vectors::read("rsa_decryption.txt", "pkcs1").front();
  const Pkey key = key_of(v);
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key.get(), &der);
  const Bytes spki(der, der + size);
  OPENSSL_free(der);
  EXPECT_EQ(modulus_of(spki)->size(), 256u);
  EXPECT_FALSE(modulus_of({}));
  EXPECT_FALSE(modulus_of(Bytes(spki.begin(), spki.end() - 1)));
}

}  // namespace
}  // namespace nae::crypto
