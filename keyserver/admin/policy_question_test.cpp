// "May this role do this?": what the question must say, what is taken for what it leaves out, and
// what it answers of a policy in force.
#include "keyserver/admin/admin_service_test_server.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;

constexpr const char* kRule = R"toml(version = 2

[[device]]
name = "db1"

[[program]]
name = "postgres"

[[rule]]
name = "support"
roles = ["support"]
databases = ["shop"]
programs = ["postgres"]
keys = ["pii"]
actions = ["decrypt"]
result = "mask(last=4)"
limits = ["100 per hour"]
networks = ["10.0.0.0/8"]
)toml";

class PolicyQuestionTest : public AdminServiceTest {
 protected:
  void apply(std::string text) {
    const http::HttpResponse applied =
        call("policy-admin", "PUT", "/v1/policy", {{"document", std::move(text)}});
    ASSERT_EQ(applied.status, 200u) << applied.body;
  }
  static json::object question(
      std::initializer_list<std::pair<const char*, json::value>> more = {}) {
    json::object body{{"role", "support"}, {"database", "shop"},  {"program", "postgres"},
                      {"device", "db1"},   {"action", "decrypt"}, {"key", "pii"}};
    for (const auto& [name, value] : more) body[name] = value;
    return body;
  }
  http::HttpResponse ask(const json::object& body) {
    return call("policy-admin", "POST", "/v1/policy/test", body);
  }
};

TEST_F(PolicyQuestionTest, SaysWhoAsksForWhat) {
  for (const char* needed : {"role", "database", "program", "device", "action"}) {
    json::object body = question();
    body.erase(needed);
    EXPECT_EQ(code(ask(body)), "invalid_argument") << needed;
    body[needed] = 1;
    EXPECT_EQ(code(ask(body)), "invalid_argument") << needed;
  }
  EXPECT_EQ(code(ask(question({{"misspelt", 1}}))), "invalid_argument");
  EXPECT_EQ(code(call("policy-admin", "POST", "/v1/policy/test")), "invalid_argument");
}

TEST_F(PolicyQuestionTest, RefusesWhatNoRequestCouldHave) {
  const std::pair<const char*, json::value> kBad[] = {
      {"action", "fly"},
      {"action", ""},
      {"device_address", "10.1.2"},
      {"device_address", "10.1.2.3/8"},
      {"client_address", "localhost"},
      {"executable_sha256", "abc"},
      {"executable_sha256", "zz"},
      {"at", "tomorrow"},
      {"at", "2026-01-31T08:00"},
      {"member_of", "a"},
      {"member_of", json::array{1}},
      {"claims", json::array{"groups=a"}},  // of nobody
      {"issuer", "idp"},
      {"user", "alice"},  // whom nobody declared vouches for
  };
  for (const auto& [field, value] : kBad)
    EXPECT_EQ(code(ask(question({{field, value}}))), "invalid_argument")
        << field << " " << json::serialize(value);
  EXPECT_THAT(ask(question({{"user", "alice"}})).body, HasSubstr("issuer of the user is missing"));
  EXPECT_THAT(ask(question({{"user", "alice"}, {"issuer", "idp"}})).body,
              HasSubstr("no [[issuer]] is named"));
}

TEST_F(PolicyQuestionTest, WithoutAPolicyNothingIsAllowed) {
  const json::value answer = parsed(ask(question()));
  EXPECT_EQ(shown(answer, "allowed"), "false");
  EXPECT_EQ(shown(answer, "policy_version"), "0");
  EXPECT_EQ(shown(answer, "rule"), "");
}

TEST_F(PolicyQuestionTest, AnswersWithTheRuleItsMaskAndItsLimit) {
  apply(kRule);
  const http::HttpResponse response = ask(question({{"device_address", "10.1.2.3"}}));
  const json::value answer = parsed(response);
  EXPECT_EQ(shown(answer, "allowed"), "true") << response.body;
  EXPECT_EQ(shown(answer, "verdict"), "masked");
  EXPECT_EQ(shown(answer, "rule"), "support");
  EXPECT_EQ(api::items(answer, "masks").at(0).as_string(), "mask(last=4)");
  EXPECT_EQ(shown(api::items(answer, "limits").at(0), "limit"), "100 per hour per role");
  EXPECT_EQ(api::items(answer, "applying").size(), 1u);
  EXPECT_EQ(shown(answer, "policy_version"), "1");
  EXPECT_EQ(records("policy-test").back().target, "pii");
  EXPECT_EQ(records("policy-test").back().detail, "support decrypt");
}

TEST_F(PolicyQuestionTest, NamesTheConditionThatFailed) {
  apply(kRule);
  const json::value answer = parsed(ask(question({{"device_address", "192.168.1.1"}})));
  EXPECT_EQ(shown(answer, "allowed"), "false");
  const json::array& near = api::items(answer, "near");
  ASSERT_EQ(near.size(), 1u) << json::serialize(answer);
  const json::value& unmet = api::items(near[0], "unmet").at(0);
  EXPECT_EQ(shown(unmet, "condition"), "networks");
  EXPECT_EQ(shown(unmet, "wants"), "10.0.0.0/8");
  EXPECT_THAT(shown(unmet, "found"), HasSubstr("192.168.1.1"));
}

TEST_F(PolicyQuestionTest, ARoleIsReachedByMembershipToo) {
  apply(kRule);
  const auto asked = [&](std::initializer_list<std::pair<const char*, json::value>> more) {
    json::object body = question(more);
    body["role"] = "carol";
    body["device_address"] = "10.1.2.3";
    return shown(parsed(ask(body)), "allowed");
  };
  EXPECT_EQ(asked({}), "false");
  EXPECT_EQ(asked({{"member_of", json::array{"staff"}}}), "false");
  // In whatever order they come.
  EXPECT_EQ(asked({{"member_of", json::array{"support", "admins"}}}), "true");
}

TEST_F(PolicyQuestionTest, AUserIsTakenForProven) {
  const Bytes spki = crypto::generate_p256().value().spki;
  const std::string pem = crypto::PublicKey::from_der(spki).value().pem();
  auto issuer = [&](const std::string& name) {
    return "\n[[issuer]]\nname = \"" + name + "\"\nissuer = \"https://" + name +
           "\"\naudience = \"nae\"\npublic_keys = [\"\"\"\n" + pem + "\"\"\"]\n";
  };
  const std::string rule =
      std::string(kRule) + "users = [\"alice\"]\nclaims = { team = [\"a\"] }\n";
  apply(rule + issuer("idp"));
  const auto asked = [&](std::initializer_list<std::pair<const char*, json::value>> more) {
    json::object body = question(more);
    body["device_address"] = "10.1.2.3";
    return ask(body);
  };
  const json::array team{"team=b", "team=a"};
  EXPECT_EQ(shown(parsed(asked({})), "allowed"), "false");
  EXPECT_EQ(shown(parsed(asked({{"user", "alice"}})), "allowed"), "false") << "no claim";
  EXPECT_EQ(shown(parsed(asked({{"user", "bob"}, {"claims", team}})), "allowed"), "false");
  EXPECT_EQ(shown(parsed(asked({{"user", "alice"}, {"claims", team}})), "allowed"), "true")
      << "the only issuer needs no name";
  for (const char* bad : {"team", "=a", ""})
    EXPECT_EQ(code(asked({{"user", "alice"}, {"claims", json::array{bad}}})), "invalid_argument")
        << bad;

  apply(rule + "issuers = [\"idp\", \"other\"]\n" + issuer("idp") + issuer("other"));
  EXPECT_THAT(asked({{"user", "alice"}, {"claims", team}}).body,
              HasSubstr("issuer of the user is missing"))
      << "two of them do";
  EXPECT_EQ(
      shown(parsed(asked({{"user", "alice"}, {"issuer", "other"}, {"claims", team}})), "allowed"),
      "true");
}

TEST_F(PolicyQuestionTest, IsForThoseWhoReadPolicies) {
  EXPECT_EQ(call("auditor", "POST", "/v1/policy/test", question()).status, 200u);
  EXPECT_EQ(code(call("operator", "POST", "/v1/policy/test", question())), "admin_role_missing");
}

}  // namespace
}  // namespace nae::admin
