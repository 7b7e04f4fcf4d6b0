#include "libnae/crypto/spki.hpp"

#include <gtest/gtest.h>

#include "libnae/base/text.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::crypto {
namespace {

Bytes hex(std::string_view text) {
  return *from_hex(text);
}

// RFC 8032 section 7.1, test 2.
constexpr std::string_view kEd25519 =
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
// RFC 6979 section A.2.5.
constexpr std::string_view kP256 =
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";

TEST(Spki, Ed25519HasThePrefixOfRfc8410) {
  EXPECT_EQ(to_hex(*spki_of_edwards(KeyType::ed25519, hex(kEd25519))),
            "302a300506032b6570032100" + std::string(kEd25519));
}

TEST(Spki, P256IsReadBackAsP256) {
  const auto der = spki_of_ec(KeyType::ecdsa_p256, hex(kP256));
  ASSERT_TRUE(der) << der.error().message;
  EXPECT_EQ(to_hex(*der),
            "3059301306072a8648ce3d020106082a8648ce3d030107034200" + std::string(kP256));
  EXPECT_EQ(PublicKey::from_der(*der)->type(), KeyType::ecdsa_p256);
}

TEST(Spki, RefusesAPointOffTheCurve) {
  Bytes point = hex(kP256);
  point.back() ^= 1;
  EXPECT_EQ(spki_of_ec(KeyType::ecdsa_p256, point).error().code, Code::invalid_argument);
}

TEST(Spki, RefusesWrongLengths) {
  Bytes point = hex(kP256);
  EXPECT_FALSE(spki_of_ec(KeyType::ecdsa_p384, point));
  EXPECT_FALSE(spki_of_ec(KeyType::ed25519, point));
  point.pop_back();
  EXPECT_FALSE(spki_of_ec(KeyType::ecdsa_p256, point));
  EXPECT_FALSE(spki_of_ec(KeyType::ecdsa_p256, {}));
  EXPECT_FALSE(spki_of_edwards(KeyType::ed25519, hex(kEd25519.substr(2))));
  EXPECT_FALSE(spki_of_edwards(KeyType::ed25519, {}));
}

TEST(Spki, RefusesRsaOfASizeNotInUse) {
  const Bytes exponent = hex("010001");
  EXPECT_FALSE(spki_of_rsa(Bytes(128, 0xff), exponent));  // 1024 bits
  EXPECT_FALSE(spki_of_rsa(Bytes(1024, 0xff), exponent));
  EXPECT_FALSE(spki_of_rsa({}, exponent));
}

}  // namespace
}  // namespace nae::crypto
