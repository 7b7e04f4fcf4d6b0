#include "keyserver/identity/base64url.hpp"

#include <gtest/gtest.h>

#include "libnae/base/text.hpp"

namespace nae::identity {
namespace {

std::string hex(std::string_view text) {
  auto bytes = decode_base64url(text);
  return bytes ? to_hex(*bytes) : "refused";
}

TEST(Base64url, ReadsEveryLength) {
  EXPECT_EQ(hex(""), "");
  EXPECT_EQ(hex("_w"), "ff");
  EXPECT_EQ(hex("A-z_"), "03ecff");
  EXPECT_EQ(hex("AAECAwQ"), "0001020304");  // RFC 4648 section 5's alphabet
  EXPECT_EQ(hex("Zm9vYmFy"), "666f6f626172");
  EXPECT_EQ(hex("Zm9vYmE"), "666f6f6261");
}

TEST(Base64url, RefusesLengthsThatNoBytesHave) {
  for (const char* text : {"A", "AAAAA", "Zm9vY"}) EXPECT_EQ(hex(text), "refused") << text;
}

TEST(Base64url, RefusesUnusedBits) {
  for (const char* text : {"_x", "_-", "AB", "AAB", "Zm9vYmF"})
    EXPECT_EQ(hex(text), "refused") << text;
}

TEST(Base64url, RefusesEveryForeignCharacter) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (int c = 0; c < 256; ++c) {
    const char letter = static_cast<char>(c);
    const bool known = kAlphabet.find(letter) != kAlphabet.npos;
    EXPECT_EQ(decode_base64url(std::string("AAA") + letter).has_value(), known) << c;
  }
}

}  // namespace
}  // namespace nae::identity
