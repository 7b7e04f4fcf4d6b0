#include "libnae/crypto/gcm.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "libnae/base/text.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::crypto {
namespace {

struct Sealed {
  Bytes ciphertext;
  Bytes tag;
  bool operator==(const Sealed&) const = default;
};

Bytes pattern(std::size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  Bytes bytes(size);
  for (Byte& b : bytes) b = static_cast<Byte>(generator());
  return bytes;
}

class Gcm : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    provider_ = GetParam() == std::string_view("openssl") ? openssl_gcm() : ipsec_mb_gcm();
    ASSERT_TRUE(provider_);
    ASSERT_EQ(provider_->name(), GetParam());
  }
  static Sealed seal(const Aes256Gcm& key, ByteView nonce, ByteView header, ByteView aad,
                     ByteView plaintext) {
    Sealed sealed{Bytes(plaintext.size()), Bytes(kGcmTagBytes)};
    key.seal(nonce.first<kGcmNonceBytes>(), header, aad, plaintext, sealed.ciphertext,
             ByteSpan(sealed.tag).first<kGcmTagBytes>());
    return sealed;
  }
  static bool open(const Aes256Gcm& key, ByteView nonce, ByteView header, ByteView aad,
                   const Sealed& sealed, ByteSpan out) {
    return key.open(nonce.first<kGcmNonceBytes>(), header, aad, sealed.ciphertext,
                    ByteView(sealed.tag).first<kGcmTagBytes>(), out);
  }
  std::unique_ptr<const GcmProvider> provider_;
};
// Those that this CPU can run: there is nothing to test of the others.
std::vector<const char*> providers() {
  std::vector<const char*> names{"openssl"};
  if (ipsec_mb_gcm()) names.push_back("ipsec-mb");
  return names;
}

INSTANTIATE_TEST_SUITE_P(Providers, Gcm, ::testing::ValuesIn(providers()),
                         [](const auto& i) { return i.index == 0 ? "Openssl" : "IpsecMb"; });

TEST_P(Gcm, MatchesPublishedVectors) {
  for (const auto& v : vectors::read("published.txt", "gcm")) {
    auto key = provider_->key(secret_of(v.bytes("key")));
    Bytes aad = v.bytes("aad"), nonce = v.bytes("nonce"), plaintext = v.bytes("plaintext");
    for (std::size_t cut : {std::size_t{0}, aad.size() / 2, aad.size()}) {
      ByteView header = ByteView(aad).first(cut), rest = ByteView(aad).subspan(cut);
      Sealed sealed = seal(*key, nonce, header, rest, plaintext);
      EXPECT_EQ(to_hex(sealed.ciphertext), v.value("ciphertext")) << "line " << v.line;
      EXPECT_EQ(to_hex(sealed.tag), v.value("tag")) << "line " << v.line;
      Bytes opened(plaintext.size());
      EXPECT_TRUE(open(*key, nonce, header, rest, sealed, opened));
      EXPECT_EQ(opened, plaintext);
    }
  }
}

// Whatever their lengths, both implementations write the same bytes.
TEST_P(Gcm, AgreesWithTheOther) {
  auto key = provider_->key(secret_of(pattern(32, 1)));
  auto other = openssl_gcm()->key(secret_of(pattern(32, 1)));
  std::mt19937 generator(42);
  std::uniform_int_distribution<std::size_t> short_size(0, 300), aad_size(0, 1200);
  for (unsigned round = 0; round < 600; ++round) {
    Bytes nonce = pattern(kGcmNonceBytes, round), plaintext = pattern(short_size(generator), round);
    Bytes header = pattern(25, round + 1);
    Bytes aad = pattern(round % 2 ? aad_size(generator) : 0, round + 2);
    Sealed sealed = seal(*key, nonce, header, aad, plaintext);
    ASSERT_EQ(sealed, seal(*other, nonce, header, aad, plaintext)) << "round " << round;
    Bytes opened(plaintext.size());
    ASSERT_TRUE(open(*key, nonce, header, aad, sealed, opened));
    ASSERT_EQ(opened, plaintext);
  }
}

TEST_P(Gcm, AgreesOnMegabytes) {
  auto key = provider_->key(secret_of(pattern(32, 1)));
  auto other = openssl_gcm()->key(secret_of(pattern(32, 1)));
  for (std::size_t size : {(1u << 20) + 1, (16u << 20) - 1, 32u << 20}) {
    Bytes nonce = pattern(kGcmNonceBytes, 3), plaintext = pattern(size, 4), aad = pattern(65536, 5);
    Sealed sealed = seal(*key, nonce, {}, aad, plaintext);
    ASSERT_EQ(sealed, seal(*other, nonce, {}, aad, plaintext));
    Bytes opened(size);
    ASSERT_TRUE(open(*key, nonce, {}, aad, sealed, opened));
    ASSERT_EQ(opened, plaintext);
  }
}

TEST_P(Gcm, WorksInPlace) {
  auto key = provider_->key(secret_of(pattern(32, 1)));
  Bytes nonce = pattern(kGcmNonceBytes, 3), text = pattern(100, 4), original = text;
  Sealed expected = seal(*key, nonce, {}, {}, text);
  Bytes tag(kGcmTagBytes);
  key->seal(ByteView(nonce).first<12>(), {}, {}, text, text, ByteSpan(tag).first<16>());
  EXPECT_EQ(text, expected.ciphertext);
  EXPECT_TRUE(
      key->open(ByteView(nonce).first<12>(), {}, {}, text, ByteView(tag).first<16>(), text));
  EXPECT_EQ(text, original);
}

TEST_P(Gcm, RefusesEveryChangeAndWipesTheOutput) {
  auto key = provider_->key(secret_of(pattern(32, 1)));
  Bytes nonce = pattern(kGcmNonceBytes, 3), header = pattern(25, 4), aad = pattern(9, 5);
  Sealed sealed = seal(*key, nonce, header, aad, pattern(40, 6));
  Bytes out(40);
  auto refused = [&] {
    std::ranges::fill(out, Byte{0xee});
    return !open(*key, nonce, header, aad, sealed, out) && out == Bytes(40, 0);
  };
  ASSERT_FALSE(refused());
  for (Bytes* part : {&nonce, &header, &aad, &sealed.ciphertext, &sealed.tag})
    for (Byte& b : *part)
      for (int bit = 0; bit < 8; ++bit) {
        b ^= static_cast<Byte>(1 << bit);
        EXPECT_TRUE(refused());
        b ^= static_cast<Byte>(1 << bit);
      }
  auto other_key = provider_->key(secret_of(pattern(32, 2)));
  EXPECT_FALSE(open(*other_key, nonce, header, aad, sealed, out));
}

TEST_P(Gcm, RefusesAKeyOfAnotherSize) {
  EXPECT_ANY_THROW(provider_->key(secret_of(pattern(16, 1))));
  EXPECT_ANY_THROW(provider_->key(secret_of(pattern(33, 1))));
}

// More threads than an OpenSSL key keeps contexts.
TEST_P(Gcm, ServesManyThreads) {
  auto key = provider_->key(secret_of(pattern(32, 1)));
  Bytes header = pattern(25, 4);
  std::vector<int> wrong(20, 0);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      Bytes nonce = pattern(kGcmNonceBytes, t), plaintext = pattern(100 + t, t), out(100 + t);
      for (int round = 0; round < 500; ++round) {
        Sealed sealed = seal(*key, nonce, header, {}, plaintext);
        if (!open(*key, nonce, header, {}, sealed, out) || out != plaintext) ++wrong[t];
      }
    });
  for (auto& thread : threads) thread.join();
  for (int count : wrong) EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace nae::crypto
