#include "keyserver/identity/token.hpp"

#include <gmock/gmock.h>

#include "keyserver/identity/jws.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::identity {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kFile[] = "tokens.txt";
constexpr std::int64_t kSecond = 1'000'000;

class TokenTest : public ::testing::Test {
 protected:
  TokenTest() {
    const auto expected = vectors::read(kFile, "expected").at(0);
    now_us_ = std::stoll(expected.value("now")) * kSecond;
    expires_us_ = std::stoll(expected.value("expires")) * kSecond;
    subject_ = expected.value("subject");
    issuer_.name = "shop-login";
    issuer_.issuer = expected.value("issuer");
    issuer_.audience = expected.value("audience");
    issuer_.clock_skew_seconds = 60;
    for (const auto& key : vectors::read(kFile, "key"))
      issuer_.public_keys.push_back(crypto::PublicKey::from_der(key.bytes("key"))->pem());
  }
  Result<policy::User> verify_with(const policy::Issuer& issuer, std::string_view token) const {
    return verify(token, std::span(&issuer, 1), now_us_);
  }
  Result<policy::User> verify_at(std::int64_t now_us) const {
    return verify(good(), std::span(&issuer_, 1), now_us);
  }
  static std::string good() { return vectors::read(kFile, "good").at(0).value("token"); }

  policy::Issuer issuer_;
  std::int64_t now_us_ = 0, expires_us_ = 0;
  std::string subject_;
};

// "\n" stands for a line break in the file.
std::string text_of(const vectors::Vector& vector) {
  std::string text = vector.value("token");
  if (auto at = text.find("\\n"); at != text.npos) text.replace(at, 2, "\n");
  return text;
}

TEST(Jws, PublishedSignaturesVerifyAndChangedOnesDoNot) {
  const auto published = vectors::read(kFile, "published");
  ASSERT_EQ(published.size(), 3u);
  for (const auto& vector : published) {
    const auto key = crypto::PublicKey::from_der(vector.bytes("key"));
    const std::string token = vector.value("token");
    const auto jws = parse_jws(token);
    ASSERT_TRUE(jws) << vector.value("name");
    EXPECT_TRUE(verifies(*jws, *key)) << vector.value("name");
    for (const auto& other : published) {
      if (other.line == vector.line) continue;
      EXPECT_FALSE(verifies(*jws, *crypto::PublicKey::from_der(other.bytes("key"))));
    }
    // Each character of the token counts: changed, it is malformed or another message.
    for (std::size_t i = 0; i < token.size(); ++i) {
      std::string changed = token;
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      const auto tampered = parse_jws(changed);
      EXPECT_FALSE(tampered && verifies(*tampered, *key)) << vector.value("name") << " at " << i;
    }
  }
}

TEST_F(TokenTest, GoodTokensNameTheirUser) {
  for (const auto& vector : vectors::read(kFile, "good")) {
    const auto user = verify_with(issuer_, text_of(vector));
    ASSERT_TRUE(user) << vector.value("name") << ": " << user.error().message;
    EXPECT_EQ(user->issuer, "shop-login");
    EXPECT_EQ(user->subject,
              vector.value("name") == "longest subject" ? std::string(255, 's') : subject_);
    EXPECT_EQ(user->claims.at("sub"), std::vector{user->subject});
  }
}

TEST_F(TokenTest, BadTokensAreRefusedWithoutAQuotation) {
  for (const auto& vector : vectors::read(kFile, "bad")) {
    const std::string token = text_of(vector);
    const auto user = verify_with(issuer_, token);
    ASSERT_FALSE(user) << vector.value("name");
    EXPECT_EQ(user.error().code, Code::user_token_rejected) << vector.value("name");
    EXPECT_TRUE(user.error().message.starts_with("the user token")) << user.error().message;
    for (const char* quoted : {"4711", "billing", "evil", "realms", "eyJ"})
      EXPECT_EQ(user.error().message.find(quoted), std::string::npos) << user.error().message;
  }
  for (const char* nothing : {"", ".", "..", "...", "a.b.c", "\xff.\xff.\xff"})
    EXPECT_FALSE(verify_with(issuer_, nothing));
}

TEST_F(TokenTest, EveryCutIsRefused) {
  const std::string token = good();
  for (std::size_t size = 0; size < token.size(); ++size)
    EXPECT_FALSE(verify_with(issuer_, std::string_view(token).substr(0, size))) << size;
}

TEST_F(TokenTest, TimesHoldWithTheSkewExactly) {
  const std::int64_t skew = 60 * kSecond;
  EXPECT_EQ(verify_at(now_us_)->expires_at_us, expires_us_ + skew);
  EXPECT_TRUE(verify_at(expires_us_ + skew - 1));
  EXPECT_FALSE(verify_at(expires_us_ + skew));
  const std::int64_t issued = now_us_ - 10 * kSecond;
  EXPECT_TRUE(verify_at(issued - skew));
  EXPECT_FALSE(verify_at(issued - skew - 1));
  issuer_.clock_skew_seconds = 0;
  EXPECT_TRUE(verify_at(expires_us_ - 1));
  EXPECT_FALSE(verify_at(expires_us_));
}

TEST_F(TokenTest, IssuerAudienceAndKeyMustBeOfOneIssuer) {
  policy::Issuer other = issuer_;
  EXPECT_FALSE(verify(good(), {}, now_us_));
  other.issuer += "x";
  EXPECT_FALSE(verify_with(other, good()));
  other = issuer_;
  other.audience = "billing";
  EXPECT_FALSE(verify_with(other, good()));
  other = issuer_;
  other.public_keys.erase(other.public_keys.begin());  // RS256, with which the first one is signed
  EXPECT_FALSE(verify_with(other, good()));
  other.public_keys.clear();
  EXPECT_FALSE(verify_with(other, good()));
  // The key of one issuer and the audience of another do not make a user of either.
  policy::Issuer mixed[] = {issuer_, issuer_};
  mixed[0].public_keys.clear();
  mixed[1].audience = "billing";
  EXPECT_FALSE(verify(good(), mixed, now_us_));
  mixed[1] = issuer_;
  mixed[1].name = "second";
  EXPECT_EQ(verify(good(), mixed, now_us_)->issuer, "second");
}

TEST_F(TokenTest, ClaimsBecomeTexts) {
  const auto user = verify_with(issuer_, vectors::read(kFile, "claims").at(0).value("token"));
  ASSERT_TRUE(user);
  const auto& claims = user->claims;
  EXPECT_THAT(claims.at("groups"), ElementsAre("support", "night shift"));
  EXPECT_THAT(claims.at("level"), ElementsAre("3"));
  EXPECT_THAT(claims.at("ratio"), ElementsAre("0.5"));
  EXPECT_THAT(claims.at("big"), ElementsAre("9223372036854775808"));
  EXPECT_THAT(claims.at("mfa"), ElementsAre("true"));
  EXPECT_THAT(claims.at("off"), ElementsAre("false"));
  EXPECT_THAT(claims.at("mixed"), ElementsAre("a", "1"));
  EXPECT_THAT(claims.at("none"), IsEmpty());
  EXPECT_THAT(claims.at("realm_access.roles"), ElementsAre("reader"));
  EXPECT_THAT(claims.at("realm_access.flag"), ElementsAre("false"));
  EXPECT_THAT(claims.at("https://x.example/tenant"), ElementsAre("blue"));
  for (const char* absent : {"nothing", "realm_access", "realm_access.deeper"})
    EXPECT_FALSE(claims.contains(absent)) << absent;
}

}  // namespace
}  // namespace nae::identity
