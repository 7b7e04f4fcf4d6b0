// What holds for every document, tested over random ones with every condition there is.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "keyserver/policy/condition.hpp"
#include "keyserver/policy/decide.hpp"

namespace nae::policy {
namespace {

constexpr std::int64_t kMinuteUs = 60'000'000, kDayUs = 24 * 60 * kMinuteUs;
constexpr std::int64_t kFirstUs = 1'772'323'200'000'000;  // 2026-03-01T00:00:00Z
constexpr std::int64_t kSpanUs =
    260 * kDayUs;  // two changes of clocks in Berlin, New York, Lord Howe
constexpr Action kActions[] = {Action::decrypt, Action::encrypt, Action::hash};

class RandomPolicy {
 public:
  explicit RandomPolicy(unsigned seed) : random_(seed) {}

  Rule rule() {
    Rule rule;
    rule.name = "r" + std::to_string(random_());
    rule.roles = some({"a", "b", "c", "glob:a*", "glob:*", "glob:?"}, 1);
    rule.databases = some({"x", "y", "glob:*"}, 0, 6);
    rule.devices = some({"d1", "d2", "glob:d*"}, 0, 6);
    rule.programs = some({"p1", "p2", "glob:*1"}, 0, 6);
    rule.keys = some({"k1", "k2", "glob:k*", "glob:*2"}, 1);
    for (Action action : kActions)
      if (chance(2)) rule.actions.insert(action);
    if (rule.actions.empty()) rule.actions.insert(Action::decrypt);
    add_result(rule);
    if (chance(6)) rule.key_origins = some({"generated", "imported", "unknown"}, 1);
    if (chance(5)) rule.networks = {*parse_network("10.0.0.0/8")};
    if (chance(5)) rule.client_networks = {*parse_network("2001:db8::/32")};
    if (chance(5)) rule.delegation = rule.result == Verdict::deny && chance(2);
    if (chance(6)) rule.user.users = some({"alice", "glob:b*"}, 1);
    if (chance(8)) rule.user.issuers = {one({"idp", "glob:i*", "gone"})};
    if (chance(8)) rule.user.claims["department"] = some({"hr", "it"}, 1);
    if (chance(3)) rule.schedule.weekly = weekly();
    if (chance(5)) rule.schedule.not_before_us = time();
    if (chance(5)) rule.schedule.not_after_us = time();
    return rule;
  }
  Document document() {
    Document document;
    document.version = kFormatVersion;
    document.devices = {{"d1", ""}, {"d2", ""}};
    document.programs = {{"p1", {}, {}}, {"p2", {"/x"}, {}}};
    document.issuers = {{"idp", "https://idp", "nae", {}}};
    for (unsigned i = random_() % 6; i > 0; --i) document.rules.push_back(rule());
    return document;
  }
  Subject subject() {
    Subject subject{.device = one({"d1", "d1", "d2", "d3", ""}),
                    .program = one({"p1", "p1", "p1", "p2", "p3", ""}),
                    .database = one({"x", "x", "y", "z", ""}),
                    .effective_role = one({"a", "a", "b", "ab", ""}),
                    .session_role = one({"a", "b", ""}),
                    .login_role = one({"a", "b", ""}),
                    .memberships = some({"b", "c"}, 0),
                    .client_address = one({"2001:db8::7", "192.0.2.1", "", "?"}),
                    .executable = one({"/x", "/y", ""}),
                    .device_address = one({"10.1.2.3:500", "192.0.2.1:7", "", "?"})};
    if (!chance(3)) {
      subject.user = User{one({"idp", "idp", "gone"}), one({"alice", "bob", "eve"}), {}, time()};
      if (!chance(3)) subject.user->claims["department"] = some({"hr", "it", "law"}, 0);
    }
    return subject;
  }
  Action action() { return kActions[random_() % std::size(kActions)]; }
  std::string key() { return one({"k1", "k1", "k2", "k3", "l2", ""}); }
  std::string origin() { return one({"generated", "generated", "imported", "unknown", ""}); }
  std::size_t index(std::size_t size) { return random_() % size; }
  std::int64_t time() {
    return kFirstUs + static_cast<std::int64_t>(random_() % (kSpanUs / 1000)) * 1000;
  }
  template <class List>
  void shuffle(List& list) {
    std::shuffle(list.begin(), list.end(), random_);
  }

 private:
  bool chance(unsigned of) { return random_() % of == 0; }
  std::string one(std::vector<std::string> from) { return from[random_() % from.size()]; }
  std::vector<std::string> some(const std::vector<std::string>& from, std::size_t at_least,
                                unsigned of = 3) {
    std::vector<std::string> picked;
    for (const std::string& text : from)
      if (chance(of)) picked.push_back(text);
    if (picked.size() < at_least) picked.push_back(one(from));
    return picked;
  }
  void add_result(Rule& rule) {
    constexpr Verdict kResults[] = {Verdict::deny,   Verdict::value,      Verdict::value,
                                    Verdict::masked, Verdict::ciphertext, Verdict::null};
    rule.result = kResults[random_() % std::size(kResults)];
    if (rule.result == Verdict::masked)
      rule.mask = {Mask::Kind::ends, static_cast<std::uint32_t>(random_() % 3), 1, ""};
    if (rule.result != Verdict::deny && chance(3)) rule.limits = {*parse_limit("5 per hour")};
    if (rule.result != Verdict::deny && chance(5))
      rule.limits.push_back(*parse_limit("9 per day per rule"));
  }
  Weekly weekly() {
    std::vector<unsigned> days;
    for (unsigned day = 0; day < 7; ++day)
      if (chance(2)) days.push_back(day);
    std::vector<Hours> hours;
    for (unsigned i = random_() % 3; i > 0; --i) {
      unsigned begin = random_() % 1440, end = random_() % 1441;
      // Hours at which clocks change, as often as others.
      if (chance(2)) begin = 60 + random_() % 120, end = 60 + random_() % 150;
      if (begin != end) hours.push_back({begin, end});
    }
    auto zone = TimeZone::find(
        one({"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"}));
    return {Week(days, hours), *zone, "a week"};
  }
  std::mt19937 random_;
};

constexpr int kRounds = 20'000;

struct Round {
  explicit Round(RandomPolicy& random)
      : before(random.document()),
        subject(random.subject()),
        action(random.action()),
        key(random.key()),
        origin(random.origin()),
        now_us(random.time()) {}
  Decision decide(const Document& document) const { return decide(document, now_us); }
  Decision decide(const Document& document, std::int64_t at_us) const {
    return policy::decide(document, subject, action, AskedKey(key, origin), at_us);
  }
  Document before;
  Subject subject;
  Action action;
  std::string key, origin;
  std::int64_t now_us;
};

// What no rule asks for, no property is tried with.
TEST(PolicyProperties, AreTriedWithEveryCondition) {
  RandomPolicy random(8);
  std::vector<Rule> rules;
  for (int i = 0; i < 1'000; ++i) rules.push_back(random.rule());
  for (const Condition& condition : conditions())
    EXPECT_TRUE(std::ranges::any_of(rules, [&](const Rule& rule) {
      return !condition.wants(rule).empty();
    })) << condition.name;
}

// An added allowing rule removes no denial by rule, makes no result less restrictive and takes no
// limit away; what it grants is granted in its name.
TEST(PolicyProperties, AnAllowRuleNeverRemovesADenialOrARestriction) {
  RandomPolicy random(1);
  int granted = 0, denied = 0, kept = 0;
  for (int i = 0; i < kRounds; ++i) {
    Round round(random);
    Document after = round.before;
    Rule added = random.rule();
    if (added.result == Verdict::deny) continue;
    after.rules.push_back(added);
    Decision was = round.decide(round.before), is = round.decide(after);
    if (was.reason == reason::kDeniedByRule) {
      ++denied;
      ASSERT_EQ(is.reason, was.reason);
      ASSERT_EQ(is.rule, was.rule);
    } else if (was.allowed()) {
      ++kept;
      ASSERT_TRUE(is.allowed());
      ASSERT_LE(is.verdict, was.verdict);
      for (const LimitUse& limit : was.limits)
        ASSERT_NE(std::ranges::find(is.limits, limit), is.limits.end());
      if (was.verdict == is.verdict) {
        for (const Mask& mask : was.masks)
          ASSERT_NE(std::ranges::find(is.masks, mask), is.masks.end());
      }
    } else if (is.allowed()) {
      ++granted;
      ASSERT_EQ(is.rule, added.name) << "only the added rule may grant";
    }
  }
  EXPECT_GT(std::min({granted, denied, kept}), 100) << "the rounds are of use";
}

// It may lift its own mask or limit, though: see docs/spec/policy.md.
TEST(PolicyProperties, RemovingAnAllowRuleNeverGrants) {
  RandomPolicy random(2);
  int allowed = 0;
  for (int i = 0; i < kRounds; ++i) {
    Round round(random);
    if (round.before.rules.empty()) continue;
    Document after = round.before;
    auto removed = after.rules.begin() + static_cast<long>(random.index(after.rules.size()));
    if (removed->result == Verdict::deny) continue;  // that one may: it is what it was for
    after.rules.erase(removed);
    if (!round.decide(after).allowed()) continue;
    ++allowed;
    ASSERT_TRUE(round.decide(round.before).allowed());
  }
  EXPECT_GT(allowed, 100);
}

TEST(PolicyProperties, ADenyRuleOnlyDenies) {
  RandomPolicy random(3);
  for (int i = 0; i < kRounds; ++i) {
    Round round(random);
    Document after = round.before;
    Rule added = random.rule();
    added.result = Verdict::deny;
    added.limits.clear();
    after.rules.push_back(added);
    Decision was = round.decide(round.before), is = round.decide(after);
    if (is.allowed()) {
      is.valid_until_us = was.valid_until_us;  // the only thing that may differ
      ASSERT_EQ(is, was);
    }
  }
}

TEST(PolicyProperties, TheOrderOfRulesNeverMatters) {
  RandomPolicy random(4);
  for (int i = 0; i < kRounds; ++i) {
    Round round(random);
    Document shuffled = round.before;
    random.shuffle(shuffled.rules);
    ASSERT_EQ(round.decide(shuffled), round.decide(round.before));
  }
}

// What is left out never helps: an allowing rule needs it, a denying one assumes it.
TEST(PolicyProperties, KnowingLessOfASubjectNeverGrants) {
  RandomPolicy random(5);
  for (int i = 0; i < kRounds; ++i) {
    Round round(random);
    Decision full = round.decide(round.before);
    Round less = round;
    switch (random.index(6)) {
      case 0:
        less.subject.user.reset();
        break;
      case 1:
        less.subject.device_address.clear();
        break;
      case 2:
        less.subject.client_address.clear();
        break;
      case 3:
        less.subject.session_role.clear();
        less.subject.login_role.clear();
        break;
      case 4:
        less.origin.clear();
        break;
      default:
        if (less.subject.user) less.subject.user->claims.clear();
    }
    if (!full.allowed()) {
      ASSERT_FALSE(less.decide(round.before).allowed());
    }
  }
}

TEST(PolicyProperties, LosingAMembershipNeverGrantsWhereNothingIsDenied) {
  RandomPolicy random(6);
  for (int i = 0; i < kRounds; ++i) {
    Round round(random);
    std::erase_if(round.before.rules,
                  [](const Rule& rule) { return rule.result == Verdict::deny; });
    Round without = round;
    without.subject.memberships.clear();
    if (without.decide(round.before).allowed()) {
      ASSERT_TRUE(round.decide(round.before).allowed());
    }
  }
}

// A cache that honours valid_until_us answers what a fresh decision would, at every moment.
TEST(PolicyProperties, ADecisionHoldsUntilItSays) {
  RandomPolicy random(7);
  int changed = 0;
  for (int i = 0; i < 2'000; ++i) {
    Round round(random);
    std::vector<std::int64_t> moments{round.now_us};
    for (int j = 0; j < 30; ++j) moments.push_back(random.time());
    std::ranges::sort(moments);
    auto fresh = [&](std::int64_t now_us) { return round.decide(round.before, now_us); };
    Decision cached = fresh(moments.front());
    for (std::int64_t now_us : moments) {
      if (now_us >= cached.valid_until_us) cached = fresh(now_us), ++changed;
      Decision now = fresh(now_us);
      ASSERT_EQ(now.valid_until_us == kForever, cached.valid_until_us == kForever);
      ASSERT_EQ(now, cached) << "at " << now_us;
    }
    // The moment before the end and the end itself, where a mistake by one would show.
    Decision first = fresh(round.now_us);
    for (int steps = 0; steps < 20 && first.valid_until_us != kForever; ++steps) {
      ASSERT_GT(first.valid_until_us, round.now_us);
      ASSERT_EQ(fresh(first.valid_until_us - 1), first);
      round.now_us = first.valid_until_us;
      first = fresh(round.now_us);
    }
  }
  EXPECT_GT(changed, 500);
}

}  // namespace
}  // namespace nae::policy
