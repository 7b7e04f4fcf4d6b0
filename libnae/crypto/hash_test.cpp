#include "libnae/crypto/hash.hpp"

#include <gtest/gtest.h>

#include "libnae/base/text.hpp"
#include "libnae/crypto/hmac.hpp"
#include "libnae/crypto/random.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::crypto {
namespace {

// FIPS 180-4 examples: the digests of "abc".
TEST(Hash, ComputesEveryAlgorithm) {
  auto hex = [](HashAlgorithm algorithm) { return to_hex(*digest(algorithm, as_bytes("abc"))); };
  EXPECT_EQ(hex(HashAlgorithm::sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(HashAlgorithm::sha224), "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
  EXPECT_EQ(hex(HashAlgorithm::sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(HashAlgorithm::sha384),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(hex(HashAlgorithm::sha512),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Hash, HashesNothing) {
  EXPECT_EQ(to_hex(*digest(HashAlgorithm::sha256, {})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256({})), to_hex(*digest(HashAlgorithm::sha256, {})));
}

TEST(Hash, RefusesAnUnknownAlgorithm) {
  auto result = digest(static_cast<HashAlgorithm>(99), as_bytes("abc"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::unsupported);
}

TEST(Hash, OfTwoPartsIsThatOfTheWhole) {
  std::string text(200, 'x');
  for (std::size_t cut : {0, 1, 63, 64, 65, 199, 200})
    EXPECT_EQ(sha256(as_bytes(text).first(cut), as_bytes(text).subspan(cut)),
              sha256(as_bytes(text)));
}

TEST(Hmac, MatchesPublishedVectors) {
  for (const auto& v : vectors::read("published.txt", "hmac")) {
    HmacSha256 hmac(secret_of(v.bytes("key")));
    Sha256Digest code;
    hmac.compute(v.bytes("data"), code);
    EXPECT_EQ(to_hex(code), v.value("code")) << "line " << v.line;
    EXPECT_TRUE(hmac.verify(v.bytes("data"), code));
  }
}

TEST(Hmac, RefusesEveryFlippedByteAndAnyOtherLength) {
  HmacSha256 hmac(secret_of(Bytes(32, 7)));
  Sha256Digest code;
  hmac.compute(as_bytes("data"), code);
  for (Byte& b : code) {
    b ^= 1;
    EXPECT_FALSE(hmac.verify(as_bytes("data"), code));
    b ^= 1;
  }
  EXPECT_TRUE(hmac.verify(as_bytes("data"), code));
  EXPECT_FALSE(hmac.verify(as_bytes("datA"), code));
  EXPECT_FALSE(hmac.verify(as_bytes("data"), {}));
  EXPECT_FALSE(hmac.verify(as_bytes("data"), ByteView(code).first(31)));
}

TEST(Random, FillsEverySizeDifferently) {
  Byte a[32] = {}, b[32] = {};
  ASSERT_TRUE(random_bytes(a));
  ASSERT_TRUE(random_bytes(b));
  EXPECT_NE(to_hex(a), to_hex(b));
  EXPECT_TRUE(random_bytes({}));
}

}  // namespace
}  // namespace nae::crypto
