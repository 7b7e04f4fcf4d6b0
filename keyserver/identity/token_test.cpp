#include "keyserver/identity/token.hpp"

#include <gmock/gmock.h>

#include "keyserver/identity/claims.hpp"
#include "keyserver/identity/jws.hpp"
#include "keyserver/identity/test_issuer.hpp"
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
    // By the limit of 0.1.0, of 8 KiB: a token as others are now.
    if (vector.value("name") == "token too long") {
      EXPECT_TRUE(user) << user.error().message;
      continue;
    }
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

// A token of exactly so many bytes: a character of the payload is 4/3 of one of the token.
std::string token_of_size(const testing::TestIssuer& issuer, std::int64_t expires_s,
                          std::size_t bytes) {
  std::size_t filler = bytes / 4 * 3;
  for (;;) {
    const std::string token =
        issuer.token("alice", expires_s, {{"groups", std::string(filler, 'g')}});
    if (token.size() == bytes) return token;
    if (token.size() < bytes) throw std::runtime_error("no token has so many bytes");
    filler -= std::max<std::size_t>(1, (token.size() - bytes) * 3 / 4);
  }
}

TEST_F(TokenTest, TokensHave65535BytesAtMost) {
  const testing::TestIssuer issuer;
  policy::Issuer known;
  known.name = "login";
  known.issuer = testing::TestIssuer::kIssuer;
  known.audience = testing::TestIssuer::kAudience;
  known.public_keys = {issuer.public_key_pem()};
  const std::int64_t expires_s = now_us_ / kSecond + 60;
  const auto longest = verify_with(known, token_of_size(issuer, expires_s, 65'535));
  ASSERT_TRUE(longest) << longest.error().message;
  EXPECT_GT(longest->claims.at("groups").front().size(), 48'000u);
  const auto longer = verify_with(known, token_of_size(issuer, expires_s, 65'536));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, Code::user_token_rejected);
  EXPECT_THAT(longer.error().message, ::testing::HasSubstr("more than 65535 bytes"));
}

Claims claims_in(std::string_view json) {
  return claims_of(
             boost::json::parse(boost::json::string_view(json.data(), json.size())).as_object())
      .value();
}

// As Keycloak, Entra ID and Auth0 issue them.
TEST(Claims, HaveThePathOfNestedMembersAsTheirName) {
  const Claims claims = claims_in(R"({"resource_access":{"shop":{"roles":["clerk","packer"]},
      "account":{"roles":["view-profile"],"level":2}},"a":{"b":{"c":{"d":true}}},"empty":{},
      "list":[{"roles":["hidden"]},["hidden"],"seen"]})");
  EXPECT_THAT(claims.at("resource_access.shop.roles"), ElementsAre("clerk", "packer"));
  EXPECT_THAT(claims.at("resource_access.account.level"), ElementsAre("2"));
  EXPECT_THAT(claims.at("a.b.c.d"), ElementsAre("true"));
  EXPECT_THAT(claims.at("list"), ElementsAre("seen"));
  EXPECT_EQ(claims.size(), 5u) << "an object is no claim itself, nor are members of lists";
}

TEST(Claims, ThatComeToOnePathAreRefused) {
  for (const char* json : {R"({"a.b.c":1,"a":{"b":{"c":2}}})", R"({"a":{"b.c":1,"b":{"c":2}}})"}) {
    const auto claims = claims_of(boost::json::parse(json).as_object());
    ASSERT_FALSE(claims) << json;
    EXPECT_EQ(claims.error().code, Code::user_token_rejected);
  }
}

TEST(Claims, OfScopeHaveItsWords) {
  const Claims claims = claims_in(R"({"scope":"openid  orders:read orders:write ","scp":"one",
      "other":"two words","nested":{"scope":"a b"}})");
  EXPECT_THAT(claims.at("scope"), ElementsAre("openid  orders:read orders:write ", "openid",
                                              "orders:read", "orders:write"));
  EXPECT_THAT(claims.at("scp"), ElementsAre("one"));
  EXPECT_THAT(claims.at("other"), ElementsAre("two words")) << "words are of scopes alone";
  EXPECT_THAT(claims.at("nested.scope"), ElementsAre("a b"));
  EXPECT_THAT(claims_in(R"({"scope":["a b","c"]})").at("scope"), ElementsAre("a b", "c"));
  EXPECT_THAT(claims_in(R"({"scp":"a b"})").at("scp"), ElementsAre("a b", "a", "b"));
  for (const char* odd : {R"({"scope":""})", R"({"scope":" "})", R"({"scope":7})"})
    EXPECT_EQ(claims_in(odd).at("scope").size(), 1u) << odd;
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
