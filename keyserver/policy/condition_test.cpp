// Every condition, for a rule that allows and for one that denies.
#include "keyserver/policy/condition.hpp"

#include <gtest/gtest.h>

#include "keyserver/policy/decide.hpp"

namespace nae::policy {
namespace {

constexpr std::int64_t kNow = 1'767'265'200'000'000;  // Thursday, 2026-01-01T11:00:00Z
constexpr std::int64_t kHourUs = 3'600'000'000;

constexpr std::string_view kDeclarations = R"(version = 1
[[device]]
name = "db1"
[[program]]
name = "postgres"
[[issuer]]
name = "idp"
issuer = "https://idp.example"
audience = "nae"
public_keys = ["""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----"""]
)";

std::string rule_text(std::string_view name, std::string_view fields, std::string_view result) {
  return "[[rule]]\nname = \"" + std::string(name) +
         "\"\nroles = [\"analyst\"]\nkeys = [\"k\"]\nactions = [\"decrypt\"]\nresult = \"" +
         std::string(result) + "\"\n" + std::string(fields) + "\n";
}

Document document_of(std::string_view rules) {
  auto document = parse(std::string(kDeclarations) + std::string(rules));
  EXPECT_TRUE(document) << document.error().message;
  return document ? std::move(*document) : Document{};
}

Subject analyst() {
  return {.device = "db1",
          .program = "postgres",
          .database = "shop",
          .effective_role = "analyst",
          .session_role = "analyst",
          .login_role = "analyst",
          .client_address = "2001:db8::7",
          .device_address = "10.1.2.3:50312",
          .user = User{"idp", "alice", {{"department", {"hr", "law"}}}, kNow + kHourUs}};
}

struct Row {
  std::string_view what;
  std::string_view fields;  // of the rule
  void (*change)(Subject&);
  Match match;
};

const Row kRows[] = {
    {"no condition", "", [](Subject&) {}, Match::yes},
    {"in the network", R"(networks = ["10.0.0.0/8"])", [](Subject&) {}, Match::yes},
    {"in one of them", R"(networks = ["::/0", "10.1.2.3"])", [](Subject&) {}, Match::yes},
    {"in another network", R"(networks = ["10.2.0.0/16"])", [](Subject&) {}, Match::no},
    {"no device address", R"(networks = ["10.0.0.0/8"])",
     [](Subject& s) { s.device_address.clear(); }, Match::undetermined},
    {"device address of another form", R"(networks = ["0.0.0.0/0"])",
     [](Subject& s) { s.device_address = "unix"; }, Match::undetermined},
    {"client's network", R"(client_networks = ["2001:db8::/32"])", [](Subject&) {}, Match::yes},
    {"client's other network", R"(client_networks = ["10.0.0.0/8"])", [](Subject&) {}, Match::no},
    {"no client address", R"(client_networks = ["::/0", "0.0.0.0/0"])",
     [](Subject& s) { s.client_address.clear(); }, Match::undetermined},
    {"not delegated", "delegation = false", [](Subject&) {}, Match::yes},
    {"other session role", "delegation = false", [](Subject& s) { s.session_role = "app"; },
     Match::no},
    {"other login role", "delegation = false", [](Subject& s) { s.login_role = "app"; }, Match::no},
    {"no session role", "delegation = false", [](Subject& s) { s.session_role.clear(); },
     Match::undetermined},
    {"no login role", "delegation = false", [](Subject& s) { s.login_role.clear(); },
     Match::undetermined},
    {"no login role, other session role", "delegation = false",
     [](Subject& s) { s.login_role.clear(), s.session_role = "app"; }, Match::no},
    {"user", R"(users = ["alice"])", [](Subject&) {}, Match::yes},
    {"user by glob", R"(users = ["bob", "a*"])", [](Subject&) {}, Match::yes},
    {"another user", R"(users = ["bob"])", [](Subject&) {}, Match::no},
    {"no user", R"(users = ["*"])", [](Subject& s) { s.user.reset(); }, Match::undetermined},
    {"user a moment before expiry", R"(users = ["alice"])",
     [](Subject& s) { s.user->expires_at_us = kNow + 1; }, Match::yes},
    {"user at expiry", R"(users = ["alice"])", [](Subject& s) { s.user->expires_at_us = kNow; },
     Match::undetermined},
    {"user of an issuer that is gone", R"(users = ["alice"])",
     [](Subject& s) { s.user->issuer = "old"; }, Match::undetermined},
    {"issuer", R"(issuers = ["idp"])", [](Subject&) {}, Match::yes},
    {"issuer by glob", R"(issuers = ["i*"])", [](Subject&) {}, Match::yes},
    {"another issuer", R"(issuers = ["x*"])", [](Subject&) {}, Match::no},
    {"no user for an issuer", R"(issuers = ["idp"])", [](Subject& s) { s.user.reset(); },
     Match::undetermined},
    {"claim", R"(claims = { department = ["it", "law"] })", [](Subject&) {}, Match::yes},
    {"claim of another value", R"(claims = { department = ["it"] })", [](Subject&) {}, Match::no},
    {"claims are no globs", R"(claims = { department = ["*"] })", [](Subject&) {}, Match::no},
    {"claim that is absent", R"(claims = { level = ["3"] })", [](Subject&) {}, Match::undetermined},
    {"claim without a value", R"(claims = { department = ["hr"] })",
     [](Subject& s) { s.user->claims["department"].clear(); }, Match::undetermined},
    {"one claim of two", R"(claims = { department = ["hr"], level = ["3"] })",
     [](Subject& s) { s.user->claims["level"] = {"2"}; }, Match::no},
    {"one claim differs, one is absent", R"(claims = { department = ["it"], level = ["3"] })",
     [](Subject&) {}, Match::no},
    {"no user for a claim", R"(claims = { department = ["hr"] })",
     [](Subject& s) { s.user.reset(); }, Match::undetermined},
    {"weekday", "weekdays = [\"thu\"]\ntime_zone = \"UTC\"", [](Subject&) {}, Match::yes},
    {"other weekdays", "weekdays = [\"mon\", \"fri\"]\ntime_zone = \"UTC\"", [](Subject&) {},
     Match::no},
    {"hours", "hours = [\"01:00-02:00\", \"12:00-12:01\"]\ntime_zone = \"Europe/Berlin\"",
     [](Subject&) {}, Match::yes},
    {"hours elsewhere", "hours = [\"12:00-12:01\"]\ntime_zone = \"UTC\"", [](Subject&) {},
     Match::no},
    {"from now on", "not_before = 2026-01-01T12:00:00+01:00", [](Subject&) {}, Match::yes},
    {"from later on", "not_before = 2026-01-01T11:00:00.000001Z", [](Subject&) {}, Match::no},
    {"until now", "not_after = 2026-01-01T11:00:00Z", [](Subject&) {}, Match::yes},
    {"until a moment ago", "not_after = 2026-01-01T10:59:59.999999Z", [](Subject&) {}, Match::no},
};

TEST(PolicyConditions, AllowingRulesNeedThemAndDenyingOnesAssumeThem) {
  for (const Row& row : kRows) {
    Subject subject = analyst();
    row.change(subject);
    Document allowing = document_of(rule_text("r", row.fields, "value"));
    EXPECT_EQ(decide(allowing, subject, Action::decrypt, "k", kNow).allowed(),
              row.match == Match::yes)
        << row.what;
    std::string denying = rule_text("allow", "", "value") + rule_text("r", row.fields, "deny");
    EXPECT_EQ(decide(document_of(denying), subject, Action::decrypt, "k", kNow).reason,
              row.match == Match::no ? "allowed" : "denied_by_rule")
        << row.what;
  }
}

TEST(PolicyConditions, ADenyingRuleMayAskForDelegation) {
  Document document =
      document_of(rule_text("a", "", "value") + rule_text("d", "delegation = true", "deny"));
  Subject subject = analyst();
  EXPECT_TRUE(decide(document, subject, Action::decrypt, "k", kNow).allowed());
  subject.session_role = "app";
  EXPECT_EQ(decide(document, subject, Action::decrypt, "k", kNow).rule, "d");
  subject.session_role = "";
  EXPECT_EQ(decide(document, subject, Action::decrypt, "k", kNow).rule, "d");
}

TEST(PolicyConditions, MostRestrictiveResultWinsAndAllLimitsCount) {
  Document document =
      document_of(rule_text("plain", "limits = [\"1000 per hour\"]", "value") +
                  rule_text("ends", "limits = [\"10 per day per rule\"]", "mask(last=4)") +
                  rule_text("again", "", "mask(last=4)") + rule_text("mail", "", "mask(email)"));
  Decision decision = decide(document, analyst(), Action::decrypt, "k", kNow);
  EXPECT_EQ(decision.verdict, Verdict::masked);
  EXPECT_EQ(decision.rule, "again");
  ASSERT_EQ(decision.masks.size(), 2u);
  EXPECT_EQ(to_text(decision.masks[0]), "mask(email)");
  EXPECT_EQ(to_text(decision.masks[1]), "mask(last=4)");
  ASSERT_EQ(decision.limits.size(), 2u);
  EXPECT_EQ(decision.limits[0].counter, "ends/86400");
  EXPECT_EQ(decision.limits[1].counter, "plain/3600/db1/7:analyst");

  document.rules.push_back(document_of(rule_text("sealed", "", "ciphertext")).rules[0]);
  decision = decide(document, analyst(), Action::decrypt, "k", kNow);
  EXPECT_EQ(decision.verdict, Verdict::ciphertext);
  EXPECT_TRUE(decision.masks.empty());
  EXPECT_EQ(decision.limits.size(), 2u);
  document.rules.push_back(document_of(rule_text("void", "", "null")).rules[0]);
  EXPECT_EQ(decide(document, analyst(), Action::decrypt, "k", kNow).verdict, Verdict::null);
}

TEST(PolicyConditions, ADecisionSaysHowLongItHolds) {
  Document document =
      document_of(rule_text("a", "hours = [\"08:00-18:00\"]\ntime_zone = \"UTC\"", "value"));
  EXPECT_EQ(decide(document, analyst(), Action::decrypt, "k", kNow).valid_until_us,
            kNow + 7 * kHourUs);
  EXPECT_EQ(decide(document, analyst(), Action::decrypt, "other", kNow).valid_until_us, kForever);
  document = document_of(rule_text("a", "users = [\"alice\"]", "value"));
  EXPECT_EQ(decide(document, analyst(), Action::decrypt, "k", kNow).valid_until_us, kNow + kHourUs);
  document = document_of(rule_text("a", "", "value"));
  EXPECT_EQ(decide(document, analyst(), Action::decrypt, "k", kNow).valid_until_us, kForever);
}

// What is not known of a key passes no allowing rule and no way around a denying one.
TEST(Condition, KeyOrigins) {
  struct Case {
    std::string_view wants, origin;
    bool allows, denies;
  };
  constexpr Case kCases[] = {
      {R"(["generated"])", "generated", true, true}, {R"(["generated"])", "imported", false, false},
      {R"(["generated"])", "unknown", false, true},  {R"(["generated"])", "", false, true},
      {R"(["imported"])", "imported", true, true},   {R"(["imported"])", "unknown", false, true},
      {R"(["unknown"])", "unknown", true, true},     {R"(["unknown"])", "", false, true},
      {R"(["unknown"])", "generated", false, false},
  };
  for (const Case& one : kCases) {
    const std::string field = "key_origins = " + std::string(one.wants);
    const AskedKey key("k", one.origin);
    const Document allowing = document_of(rule_text("allows", field, "value"));
    EXPECT_EQ(decide(allowing, analyst(), Action::decrypt, key, kNow).allowed(), one.allows)
        << one.wants << one.origin;
    const Document denying =
        document_of(rule_text("allows", "", "value") + rule_text("denies", field, "deny"));
    EXPECT_EQ(!decide(denying, analyst(), Action::decrypt, key, kNow).allowed(), one.denies)
        << one.wants << one.origin;
  }
}

}  // namespace
}  // namespace nae::policy
