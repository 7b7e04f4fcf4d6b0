#include "libnae/crypto/jwk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "libnae/base/text.hpp"
#include "libnae/crypto/base64.hpp"
#include "libnae/crypto/spki.hpp"

namespace nae::crypto {
namespace {

std::map<std::string, std::string> members_of(const Bytes& spki) {
  auto members = jwk_members(spki);
  EXPECT_TRUE(members) << members.error().message;
  std::map<std::string, std::string> read;
  for (auto& [name, value] : *members) read.emplace(name, value);
  return read;
}

TEST(Base64, MatchesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    auto back = from_base64(encoded);
    ASSERT_TRUE(back);
    EXPECT_EQ(as_text(*back), plain);
  }
  EXPECT_EQ(to_base64url(Bytes{0xfb, 0xff}), "-_8");
}

TEST(Base64, RefusesEverythingElse) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "====", "Z===", " Zg==", "Zg==\n", "Zm9v\n",
                           "Zm-v", "Zm_v", "Z=9v", "Zg==Zg=="})
    EXPECT_FALSE(from_base64(text)) << text;
}

// RFC 7517 appendix A.1: both keys.
TEST(Jwk, MatchesRfc7517) {
  auto base64url = [](std::string text) {
    std::ranges::replace(text, '-', '+');
    std::ranges::replace(text, '_', '/');
    text.resize((text.size() + 3) / 4 * 4, '=');
    return *from_base64(text);
  };
  const std::string x = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                    y = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";
  Bytes point{0x04};
  for (const std::string& half : {x, y})
    for (Byte byte : base64url(half)) point.push_back(byte);
  auto ec = members_of(*spki_of_ec(KeyType::ecdsa_p256, point));
  EXPECT_EQ(ec, (std::map<std::string, std::string>{
                    {"kty", "EC"}, {"crv", "P-256"}, {"x", x}, {"y", y}}));

  const std::string n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP"
      "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
      "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f"
      "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
  auto rsa = members_of(*spki_of_rsa(base64url(n), Bytes{1, 0, 1}));
  EXPECT_EQ(rsa, (std::map<std::string, std::string>{{"kty", "RSA"}, {"n", n}, {"e", "AQAB"}}));
}

// RFC 8037 appendix A.2.
TEST(Jwk, MatchesRfc8037) {
  const Bytes point = *from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  auto okp = members_of(*spki_of_edwards(KeyType::ed25519, point));
  EXPECT_EQ(okp, (std::map<std::string, std::string>{
                     {"kty", "OKP"},
                     {"crv", "Ed25519"},
                     {"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}));
}

// RFC 7518 section 6.2.1.2: a coordinate keeps its leading zeros. 379 times P-256's generator.
TEST(Jwk, CoordinatesHaveTheLengthOfTheCurve) {
  const Bytes point = *from_hex(
      "04005543894af3d00ed7d740abdbd75c96b06877b787db5f70eea78b90a8d7c00abb4c85a3d8ea29"
      "efaafa24406912dd84d5b14dc32bf656ef6c6bd58a5d943f92");
  auto members = members_of(*spki_of_ec(KeyType::ecdsa_p256, point));
  EXPECT_EQ(members["x"].substr(0, 1), "A");
  EXPECT_EQ(members["x"].size(), 43u);
  EXPECT_EQ(members["y"].size(), 43u);
}

TEST(Jwk, RefusesWhatIsNoPublicKey) {
  EXPECT_FALSE(jwk_members({}));
  EXPECT_FALSE(jwk_members(Bytes(44, 0x30)));
}

TEST(Jwk, EverySchemeThatSignsHasANameOfItsOwn) {
  std::map<std::string_view, int> names;
  for (int number = 0; number < 256; ++number) {
    const SchemeRow* row = find_row(static_cast<SignatureScheme>(number));
    if (!row) continue;
    EXPECT_EQ(jose_name(row->scheme).empty(), !row->may_sign) << row->name;
    if (row->may_sign) {
      EXPECT_EQ(names[jose_name(row->scheme)]++, 0) << row->name;
    }
  }
}

}  // namespace
}  // namespace nae::crypto
