#include "libnae/crypto/siv.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <random>
#include <thread>

#include "libnae/base/text.hpp"
#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::crypto {
namespace {

Bytes pattern(std::size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  Bytes bytes(size);
  for (Byte& b : bytes) b = static_cast<Byte>(generator());
  return bytes;
}

// SIV, then ciphertext, as RFC 5297 writes it.
Bytes seal(const AesSiv& key, ByteView aad, ByteView plaintext) {
  Bytes out(kSivTagBytes + plaintext.size());
  key.seal(aad, plaintext, ByteSpan(out).first<kSivTagBytes>(),
           ByteSpan(out).subspan(kSivTagBytes));
  return out;
}

bool open(const AesSiv& key, ByteView aad, ByteView sealed, ByteSpan out) {
  return key.open(aad, sealed.first<kSivTagBytes>(), sealed.subspan(kSivTagBytes), out);
}

// The same by OpenSSL's own AES-SIV, which cannot do empty plaintexts.
Bytes openssl_seal(ByteView key, ByteView header, ByteView aad, ByteView plaintext) {
  handle<EVP_CIPHER, EVP_CIPHER_free> cipher(EVP_CIPHER_fetch(nullptr, "AES-256-SIV", nullptr));
  handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> context(EVP_CIPHER_CTX_new());
  Bytes out(kSivTagBytes + plaintext.size());
  int n = 0;
  auto size = [](ByteView v) { return static_cast<int>(v.size()); };
  bool good =
      EVP_EncryptInit_ex2(context.get(), cipher.get(), key.data(), nullptr, nullptr) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &n, header.data(), size(header)) == 1 &&
      (aad.empty() || EVP_EncryptUpdate(context.get(), nullptr, &n, aad.data(), size(aad)) == 1) &&
      EVP_EncryptUpdate(context.get(), out.data() + kSivTagBytes, &n, plaintext.data(),
                        size(plaintext)) == 1 &&
      EVP_EncryptFinal_ex(context.get(), out.data(), &n) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kSivTagBytes, out.data()) == 1;
  EXPECT_TRUE(good);
  return out;
}

// Their one associated data string is our header; Wycheproof's may be empty.
TEST(Siv, MatchesPublishedVectors) {
  for (const auto& v : vectors::read("published.txt", "siv")) {
    AesSiv key(secret_of(v.bytes("key")), v.bytes("aad"));
    Bytes plaintext = v.bytes("plaintext"), opened(plaintext.size());
    EXPECT_EQ(to_hex(seal(key, {}, plaintext)), v.value("sealed")) << "line " << v.line;
    EXPECT_TRUE(open(key, {}, v.bytes("sealed"), opened)) << "line " << v.line;
    EXPECT_EQ(opened, plaintext) << "line " << v.line;
  }
}

TEST(Siv, RefusesPublishedForgeries) {
  for (const auto& v : vectors::read("published.txt", "siv-invalid")) {
    AesSiv key(secret_of(v.bytes("key")), v.bytes("aad"));
    Bytes opened(v.bytes("sealed").size() - kSivTagBytes);
    EXPECT_FALSE(open(key, {}, v.bytes("sealed"), opened)) << "line " << v.line;
    EXPECT_EQ(opened, Bytes(opened.size(), 0)) << "line " << v.line;
  }
}

// Every length around the block and piece borders, with and without associated data.
TEST(Siv, AgreesWithOpenssl) {
  Bytes secret = pattern(kSivKeyBytes, 1), header = pattern(9, 2);
  AesSiv key(secret_of(secret), header);
  std::vector<std::size_t> sizes;
  for (std::size_t size = 1; size <= 70; ++size) sizes.push_back(size);
  for (std::size_t size = 990; size <= 1060; ++size) sizes.push_back(size);
  for (std::size_t size = 2040; size <= 2080; ++size) sizes.push_back(size);
  sizes.push_back((1u << 20) + 5);
  for (std::size_t size : sizes) {
    Bytes plaintext = pattern(size, 3);
    for (std::size_t aad_size : {0, 1, 15, 16, 17, 32, 1007, 1008, 1009, 1024, 1025}) {
      if (size > 70 && aad_size > 1) continue;
      Bytes aad = pattern(aad_size, 4), opened(size), sealed = seal(key, aad, plaintext);
      ASSERT_EQ(sealed, openssl_seal(secret, header, aad, plaintext)) << size << " " << aad_size;
      ASSERT_TRUE(open(key, aad, sealed, opened));
      ASSERT_EQ(opened, plaintext);
    }
  }
}

TEST(Siv, IsDeterministicAndSeparatesAadFromHeader) {
  Bytes secret = pattern(kSivKeyBytes, 1);
  AesSiv key(secret_of(secret), as_bytes("ab")), other(secret_of(secret), as_bytes("a"));
  EXPECT_EQ(seal(key, as_bytes("c"), as_bytes("text")), seal(key, as_bytes("c"), as_bytes("text")));
  EXPECT_NE(seal(key, as_bytes("c"), as_bytes("text")),
            seal(other, as_bytes("bc"), as_bytes("text")));
  EXPECT_NE(seal(key, {}, as_bytes("text")), seal(key, as_bytes("c"), as_bytes("text")));
}

TEST(Siv, RefusesEveryChangeAndWipesTheOutput) {
  AesSiv key(secret_of(pattern(kSivKeyBytes, 1)), as_bytes("header"));
  for (std::size_t size : {0, 1, 15, 16, 40}) {
    Bytes aad = pattern(5, 2), sealed = seal(key, aad, pattern(size, 3)), out(size);
    auto refused = [&] {
      std::ranges::fill(out, Byte{0xee});
      return !open(key, aad, sealed, out) && out == Bytes(size, 0);
    };
    ASSERT_TRUE(open(key, aad, sealed, out));
    for (Bytes* part : {&aad, &sealed})
      for (Byte& b : *part)
        for (int bit = 0; bit < 8; ++bit) {
          b ^= static_cast<Byte>(1 << bit);
          EXPECT_TRUE(refused()) << size;
          b ^= static_cast<Byte>(1 << bit);
        }
    EXPECT_FALSE(open(key, {}, sealed, out));
    AesSiv other(secret_of(pattern(kSivKeyBytes, 1)), as_bytes("Header"));
    EXPECT_FALSE(open(other, aad, sealed, out));
  }
}

TEST(Siv, RefusesAKeyOfAnotherSize) {
  for (std::size_t size : {0, 16, 31, 33, 48, 63, 65, 128})
    EXPECT_ANY_THROW(AesSiv(secret_of(pattern(size, 1)), as_bytes("header"))) << size;
}

TEST(Siv, ServesManyThreads) {
  AesSiv key(secret_of(pattern(kSivKeyBytes, 1)), as_bytes("header"));
  std::vector<int> wrong(20, 0);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      Bytes plaintext = pattern(50 + t, t), out(50 + t);
      for (int round = 0; round < 300; ++round)
        if (!open(key, {}, seal(key, {}, plaintext), out) || out != plaintext) ++wrong[t];
    });
  for (auto& thread : threads) thread.join();
  for (int count : wrong) EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace nae::crypto
