#include "keyserver/policy/decide.hpp"

#include <gtest/gtest.h>

#include <random>

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

// --- properties over random documents

class RandomPolicy {
 public:
  explicit RandomPolicy(unsigned seed) : random_(seed) {}

  Rule rule() {
    Rule rule;
    rule.name = "r" + std::to_string(++rules_);
    rule.roles = some({"a", "b", "c", "a*", "*", "?"}, 1);
    rule.databases = some({"x", "y", "*"}, 0);
    rule.devices = some({"d1", "d2", "d*"}, 0);
    rule.programs = some({"p1", "p2", "*1"}, 0);
    rule.keys = some({"k1", "k2", "k*", "*2"}, 1);
    for (Action action : kActions)
      if (chance(2)) rule.actions.insert(action);
    if (rule.actions.empty()) rule.actions.insert(Action::decrypt);
    rule.result = chance(3) ? Verdict::deny : Verdict::value;
    return rule;
  }
  Document document() {
    Document document;
    document.version = kFormatVersion;
    document.devices = {{"d1", ""}, {"d2", ""}};
    document.programs = {{"p1", {}, {}}, {"p2", {"/x"}, {}}};
    for (unsigned i = random_() % 6; i > 0; --i) document.rules.push_back(rule());
    return document;
  }
  Subject subject() {
    return {.device = one({"d1", "d2", "d3", ""}),
            .program = one({"p1", "p2", "p3", ""}),
            .database = one({"x", "y", "z", ""}),
            .effective_role = one({"a", "b", "ab", ""}),
            .memberships = some({"b", "c"}, 0),
            .executable = one({"/x", "/y", ""})};
  }
  Action action() { return kActions[random_() % std::size(kActions)]; }
  std::string key() { return one({"k1", "k2", "k3", "l2", ""}); }
  std::size_t index(std::size_t size) { return random_() % size; }

 private:
  static constexpr Action kActions[] = {Action::encrypt, Action::decrypt, Action::hash};
  bool chance(unsigned of) { return random_() % of == 0; }
  std::string one(std::vector<std::string> from) { return from[random_() % from.size()]; }
  std::vector<std::string> some(const std::vector<std::string>& from, std::size_t at_least) {
    std::vector<std::string> picked;
    for (const std::string& text : from)
      if (chance(3)) picked.push_back(text);
    if (picked.size() < at_least) picked.push_back(one(from));
    return picked;
  }
  std::mt19937 random_;
  int rules_ = 0;
};

constexpr int kRounds = 20'000;

TEST(PolicyProperties, AnAllowRuleNeverRemovesADenialElsewhere) {
  RandomPolicy random(1);
  for (int round = 0; round < kRounds; ++round) {
    Document before = random.document(), after = before;
    Rule added = random.rule();
    added.result = Verdict::value;
    after.rules.insert(after.rules.begin() + random.index(after.rules.size() + 1), added);
    Subject subject = random.subject();
    Action action = random.action();
    std::string key = random.key();
    Decision old_decision = decide(before, subject, action, key, kNow);
    Decision decision = decide(after, subject, action, key, kNow);
    if (old_decision.reason == reason::kDeniedByRule) {
      ASSERT_EQ(decision, old_decision);
    }
    if (!old_decision.allowed() && decision.allowed()) {
      ASSERT_EQ(decision.rule, added.name) << "only the added rule may grant";
    }
  }
}

TEST(PolicyProperties, RemovingAnAllowRuleNeverGrants) {
  RandomPolicy random(2);
  for (int round = 0; round < kRounds; ++round) {
    Document before = random.document();
    if (before.rules.empty()) continue;
    Document after = before;
    auto removed = after.rules.begin() + random.index(after.rules.size());
    if (removed->result == Verdict::deny) continue;  // that one may: it is what it was for
    after.rules.erase(removed);
    Subject subject = random.subject();
    Action action = random.action();
    std::string key = random.key();
    if (decide(after, subject, action, key, kNow).allowed()) {
      ASSERT_TRUE(decide(before, subject, action, key, kNow).allowed());
    }
  }
}

TEST(PolicyProperties, ADenyRuleNeverGrantsAndOrderNeverMatters) {
  RandomPolicy random(3);
  for (int round = 0; round < kRounds; ++round) {
    Document before = random.document(), reversed = before, denied = before;
    std::reverse(reversed.rules.begin(), reversed.rules.end());
    Rule added = random.rule();
    added.result = Verdict::deny;
    denied.rules.push_back(added);
    Subject subject = random.subject();
    Action action = random.action();
    std::string key = random.key();
    Decision decision = decide(before, subject, action, key, kNow);
    ASSERT_EQ(decide(reversed, subject, action, key, kNow).reason, decision.reason);
    if (!decision.allowed()) {
      ASSERT_FALSE(decide(denied, subject, action, key, kNow).allowed());
    }
  }
}

TEST(PolicyProperties, LosingAMembershipOfAGrantNeverGrants) {
  RandomPolicy random(4);
  for (int round = 0; round < kRounds; ++round) {
    Document document = random.document();
    std::erase_if(document.rules, [](const Rule& rule) { return rule.result == Verdict::deny; });
    Subject with = random.subject(), without = with;
    without.memberships.clear();
    Action action = random.action();
    std::string key = random.key();
    if (decide(document, without, action, key, kNow).allowed()) {
      ASSERT_TRUE(decide(document, with, action, key, kNow).allowed());
    }
  }
}

}  // namespace
}  // namespace nae::policy
