#include "keyserver/policy/decide.hpp"

#include <gtest/gtest.h>

namespace nae::policy {
namespace {

constexpr std::int64_t kNow = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z

Document document_of(std::string_view rules) {
  std::string text = R"(version = 1
[[device]]
name = "db1"
[[device]]
name = "db2"
[[program]]
name = "postgres"
[[program]]
name = "pinned"
executables = ["/opt/a", "/opt/b"]
sha256 = ["1111111111111111111111111111111111111111111111111111111111111111"]
)";
  auto document = parse(text + std::string(rules));
  EXPECT_TRUE(document) << document.error().message;
  return document ? std::move(*document) : Document{};
}

Subject analyst() {
  return {"db1", "postgres", "shop", "analyst", "app", "app", {"readers", "staff"}, "", {}};
}

constexpr std::string_view kRules = R"(
[[rule]]
name = "readers-read"
roles = ["readers"]
databases = ["shop", "shop-*"]
devices = ["db1"]
programs = ["postgres", "pinned"]
keys = ["customer-*", "note"]
actions = ["decrypt", "hash"]
result = "value"
[[rule]]
name = "staff-never-secret"
roles = ["staff"]
keys = ["*-secret"]
actions = ["decrypt", "encrypt"]
result = "deny"
[[rule]]
name = "everybody-random"
roles = ["*"]
actions = ["random"]
result = "value"
)";

struct Row {
  std::string_view what;
  void (*change)(Subject&);
  Action action;
  std::string_view key;
  std::string_view reason;
  std::string_view rule;
};

const Row kMatrix[] = {
    {"by membership", [](Subject&) {}, Action::decrypt, "customer-pii", "allowed", "readers-read"},
    {"exact key", [](Subject&) {}, Action::decrypt, "note", "allowed", "readers-read"},
    {"another key", [](Subject&) {}, Action::decrypt, "notes", "no_rule", ""},
    {"no key", [](Subject&) {}, Action::decrypt, "", "no_rule", ""},
    {"none implies another", [](Subject&) {}, Action::encrypt, "note", "no_rule", ""},
    {"nor the other way", [](Subject&) {}, Action::rewrap, "note", "no_rule", ""},
    {"deny wins", [](Subject&) {}, Action::decrypt, "customer-secret", "denied_by_rule",
     "staff-never-secret"},
    {"deny needs its role", [](Subject& s) { s.memberships = {"readers"}; }, Action::decrypt,
     "customer-secret", "allowed", "readers-read"},
    {"as the effective role",
     [](Subject& s) { s.effective_role = "readers", s.memberships.clear(); }, Action::decrypt,
     "note", "allowed", "readers-read"},
    {"not as the session role",
     [](Subject& s) { s.session_role = "readers", s.memberships.clear(); }, Action::decrypt, "note",
     "no_rule", ""},
    {"not as the login role", [](Subject& s) { s.login_role = "readers", s.memberships.clear(); },
     Action::decrypt, "note", "no_rule", ""},
    {"superuser is no membership",
     [](Subject& s) { s.effective_role = "postgres", s.memberships.clear(); }, Action::decrypt,
     "note", "no_rule", ""},
    {"hash ignores the key", [](Subject&) {}, Action::hash, "", "allowed", "readers-read"},
    {"hash with a key", [](Subject&) {}, Action::hash, "x-secret", "allowed", "readers-read"},
    {"random", [](Subject& s) { s.memberships.clear(); }, Action::random, "", "allowed",
     "everybody-random"},
    {"database by glob", [](Subject& s) { s.database = "shop-test"; }, Action::decrypt, "note",
     "allowed", "readers-read"},
    {"another database", [](Subject& s) { s.database = "crm"; }, Action::decrypt, "note", "no_rule",
     ""},
    {"case counts", [](Subject& s) { s.database = "Shop"; }, Action::decrypt, "note", "no_rule",
     ""},
    {"another device", [](Subject& s) { s.device = "db2"; }, Action::decrypt, "note", "no_rule",
     ""},
    {"unknown device", [](Subject& s) { s.device = "db3"; }, Action::random, "",
     "device_not_in_policy", ""},
    {"unknown program", [](Subject& s) { s.program = "psql"; }, Action::random, "",
     "program_not_in_policy", ""},
    {"no device", [](Subject& s) { s.device.clear(); }, Action::random, "", "subject_undetermined",
     ""},
    {"no program", [](Subject& s) { s.program.clear(); }, Action::random, "",
     "subject_undetermined", ""},
    {"no database", [](Subject& s) { s.database.clear(); }, Action::random, "",
     "subject_undetermined", ""},
    {"no role", [](Subject& s) { s.effective_role.clear(); }, Action::random, "",
     "subject_undetermined", ""},
    {"pin not shown", [](Subject& s) { s.program = "pinned"; }, Action::decrypt, "note",
     "program_pin_mismatch", ""},
    {"pin of the path only", [](Subject& s) { s.program = "pinned", s.executable = "/opt/a"; },
     Action::decrypt, "note", "program_pin_mismatch", ""},
    {"pin of the digest only",
     [](Subject& s) { s.program = "pinned", s.executable_sha256.assign(32, 0x11); },
     Action::decrypt, "note", "program_pin_mismatch", ""},
    {"pin of another digest",
     [](Subject& s) {
       s.program = "pinned", s.executable = "/opt/a", s.executable_sha256.assign(32, 0x12);
     },
     Action::decrypt, "note", "program_pin_mismatch", ""},
    {"pin of a short digest",
     [](Subject& s) {
       s.program = "pinned", s.executable = "/opt/a", s.executable_sha256.assign(31, 0x11);
     },
     Action::decrypt, "note", "program_pin_mismatch", ""},
    {"pins shown",
     [](Subject& s) {
       s.program = "pinned", s.executable = "/opt/b", s.executable_sha256.assign(32, 0x11);
     },
     Action::decrypt, "note", "allowed", "readers-read"},
};

TEST(PolicyDecide, Matrix) {
  Document document = document_of(kRules);
  for (const Row& row : kMatrix) {
    Subject subject = analyst();
    row.change(subject);
    Decision decision = decide(document, subject, row.action, row.key, kNow);
    EXPECT_EQ(decision.reason, row.reason) << row.what;
    EXPECT_EQ(decision.rule, row.rule) << row.what;
    EXPECT_EQ(decision.allowed(), row.reason == "allowed") << row.what;
  }
}

TEST(PolicyDecide, WithoutAPolicyNothingIsAllowed) {
  EXPECT_EQ(decide(Document{}, analyst(), Action::random, "", kNow).reason, "no_policy");
}

TEST(PolicyDecide, DenyWinsInEitherOrder) {
  std::string allow =
      "[[rule]]\nname = \"a\"\nroles = [\"*\"]\nkeys = [\"*\"]\n"
      "actions = [\"decrypt\"]\nresult = \"value\"\n";
  std::string deny =
      "[[rule]]\nname = \"d\"\nroles = [\"staff\"]\nkeys = [\"k\"]\n"
      "actions = [\"decrypt\"]\nresult = \"deny\"\n";
  for (const std::string& rules : {allow + deny, deny + allow}) {
    Document document = document_of(rules);
    EXPECT_EQ(decide(document, analyst(), Action::decrypt, "k", kNow).rule, "d");
    EXPECT_TRUE(decide(document, analyst(), Action::decrypt, "l", kNow).allowed());
  }
}

// Who is counted is whom the policy names, whatever role the asker says.
TEST(DecideLimits, InventedRolesShareTheCountOfTheEntryThatLetsThemIn) {
  const Document document = document_of(R"(
[[rule]]
name = "few"
roles = ["readers", "bi_*"]
keys = ["*"]
actions = ["decrypt"]
limits = ["5 per day", "5 per hour per login", "5 per minute per rule"]
result = "value"
)");
  const auto counters_of = [&](const Subject& subject) {
    std::vector<std::string> counters;
    for (const LimitUse& use : decide(document, subject, Action::decrypt, "k", kNow).limits)
      counters.push_back(use.counter);
    return counters;
  };
  const Subject member = analyst();  // by its membership in readers
  const std::vector<std::string> counted = counters_of(member);
  ASSERT_EQ(counted.size(), 3u);
  for (int number = 0; number < 200; ++number) {
    Subject invented = member;
    invented.effective_role = "invented" + std::to_string(number);
    EXPECT_EQ(counters_of(invented), counted);
    invented.memberships = {"bi_" + std::to_string(number)};
    Subject by_pattern = member;
    by_pattern.memberships = {"bi_x"};
    EXPECT_EQ(counters_of(invented), counters_of(by_pattern)) << "a pattern is one entry";
  }
  Subject other = member;
  other.device = "db2";
  EXPECT_NE(counters_of(other), counted) << "each device has its own";
  other = member;
  other.login_role = "bob";
  const auto of_bob = counters_of(other);
  int differ = 0;
  for (std::size_t i = 0; i < 3; ++i) differ += of_bob[i] != counted[i];
  EXPECT_EQ(differ, 1) << "per login alone";
}

TEST(Decide, SaysByWhichMembershipTheRuleApplied) {
  const Document document = document_of(kRules);
  EXPECT_EQ(decide(document, analyst(), Action::decrypt, "note", kNow).membership, "readers");
  EXPECT_EQ(decide(document, analyst(), Action::encrypt, "a-secret", kNow).membership, "staff")
      << "of a denial too";
  EXPECT_EQ(decide(document, analyst(), Action::random, "", kNow).membership, "");
  Subject reader = analyst();
  reader.effective_role = "readers";
  EXPECT_EQ(decide(document, reader, Action::decrypt, "note", kNow).membership, "");
  EXPECT_EQ(decide(document, analyst(), Action::sign, "note", kNow).membership, "") << "no rule";
}

}  // namespace
}  // namespace nae::policy
