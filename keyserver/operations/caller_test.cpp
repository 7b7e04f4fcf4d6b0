#include "keyserver/operations/caller.hpp"

#include <gtest/gtest.h>

#include <ctime>

#include "keyserver/identity/test_issuer.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "net/test_certificates.hpp"

namespace nae::operations {
namespace {

using identity::testing::TestIssuer;
using net::testing::must;

// Decisions are made by the clock.
const std::int64_t kNowUs = std::time(nullptr) * 1'000'000LL;
const std::int64_t kExpiresS = kNowUs / 1'000'000 + 600;
constexpr char kRules[] = R"(
version = 1
[[device]]
name = "db1"
[[program]]
name = "postgres"
)";
constexpr char kSupportReads[] = R"(
[[rule]]
name = "support-reads"
roles = ["app"]
keys = ["*"]
actions = ["decrypt"]
claims = { groups = ["support"] }
result = "value"
)";

class CallerTest : public ::testing::Test {
 protected:
  CallerTest() { apply(with_rule(issuer_.table("login"))); }

  static std::string with_rule(const std::string& issuers) {
    return kRules + issuers + kSupportReads;
  }
  void apply(const std::string& policy) { must(book_->apply(policy, "test", "", kNowUs)); }

  static RoleClaims session() {
    RoleClaims session;
    session.database = "db";
    session.effective_role = session.session_role = session.login_role = "app";
    return session;
  }
  static Caller caller_with(std::string_view token) {
    ProgramAttestation program;
    program.name = "postgres";
    return {{"db1", {}}, std::move(program), session(), Bytes(token.begin(), token.end())};
  }
  std::string support_token() const {
    return issuer_.token("alice", kExpiresS, {{"groups", {"support"}}});
  }
  Code proven(Caller& caller, std::int64_t now_us = kNowUs) {
    auto result = caller.prove_user(*book_, now_us);
    return result ? Code{} : result.error().code;
  }

  TestIssuer issuer_;
  net::testing::TemporaryDirectory directory_;
  std::unique_ptr<store::Store> store_ =
      must(store::sqlite::Store::create(directory_ / "store.db"));
  keys::KeyRing ring_{*store_, store_.get(), [](keys::HsmJob) -> Result<void> { return {}; }};
  std::unique_ptr<policy::PolicyBook> book_ = must(policy::PolicyBook::open(*store_));
};

TEST_F(CallerTest, WithoutATokenThereIsNoUser) {
  Caller caller = caller_with("");
  EXPECT_EQ(proven(caller), Code{});
  EXPECT_FALSE(caller.subject().user);
  EXPECT_EQ(caller.fragment().text.find("user"), std::string::npos);
  EXPECT_FALSE(caller.decide(*book_, ring_, Action::decrypt, "k", kNowUs).allowed());
}

TEST_F(CallerTest, AGoodTokenMakesAUserWhomRulesAndRecordsKnow) {
  Caller caller = caller_with(support_token());
  EXPECT_EQ(proven(caller), Code{});
  EXPECT_EQ(caller.subject().user->subject, "alice");
  EXPECT_NE(caller.fragment().text.find(R"("user_issuer":"login","user":"alice")"),
            std::string::npos);
  EXPECT_TRUE(caller.decide(*book_, ring_, Action::decrypt, "k", kNowUs).allowed());
}

TEST_F(CallerTest, ATokenThatExpiresProvesNobodyFromThenOn) {
  Caller caller = caller_with(support_token());
  const std::int64_t expires_us = kExpiresS * 1'000'000;
  EXPECT_EQ(proven(caller, expires_us - 1), Code{});
  EXPECT_EQ(proven(caller, expires_us), Code::user_token_rejected);
  EXPECT_FALSE(caller.subject().user);
  EXPECT_EQ(proven(caller, expires_us), Code::user_token_rejected);
  EXPECT_FALSE(caller.decide(*book_, ring_, Action::decrypt, "k", expires_us).allowed());
}

TEST_F(CallerTest, AnIssuerOrKeyThatLeavesThePolicyTakesItsUsersAlong) {
  Caller caller = caller_with(support_token());
  EXPECT_EQ(proven(caller), Code{});
  apply(with_rule(TestIssuer().table("login")));  // the same issuer with another key
  EXPECT_EQ(proven(caller), Code::user_token_rejected);
  apply(kRules);
  EXPECT_EQ(proven(caller), Code::user_token_rejected);
  EXPECT_FALSE(caller.subject().user);
  apply(with_rule(issuer_.table("renamed")));
  EXPECT_EQ(proven(caller), Code{});
  EXPECT_EQ(caller.subject().user->issuer, "renamed");
  EXPECT_NE(caller.fragment().text.find(R"("user_issuer":"renamed")"), std::string::npos);
}

}  // namespace
}  // namespace nae::operations
