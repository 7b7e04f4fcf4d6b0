#include "keyserver/policy/difference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "keyserver/policy/decide.hpp"
#include "keyserver/policy/explain.hpp"

namespace nae::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string rule(std::string_view name, std::string_view role, std::string_view key,
                 std::string_view result, std::string_view more = "") {
  return "[[rule]]\nname = \"" + std::string(name) + "\"\nroles = [\"" + std::string(role) +
         "\"]\nkeys = [\"" + std::string(key) + "\"]\nactions = [\"decrypt\"]\nresult = \"" +
         std::string(result) + "\"\n" + std::string(more) + "\n";
}

Document document_of(std::string_view rules, std::string_view more = "") {
  auto document =
      parse("version = 1\n" + std::string(more) +
            "[[device]]\nname = \"db1\"\n[[program]]\nname = \"postgres\"\n" + std::string(rules));
  EXPECT_TRUE(document) << document.error().message;
  return document ? std::move(*document) : Document{};
}

std::vector<std::string> changes(const Document& before, const Document& after) {
  const std::string keys[] = {"customer-pii", "customer-card", "hr-pay"};
  std::vector<std::string> texts;
  Difference difference = compare(before, after, keys);
  EXPECT_TRUE(difference.complete);
  for (const Change& change : difference.changes) texts.push_back(change.text);
  return texts;
}

TEST(PolicyDifference, SaysWhoLosesAndGainsWhat) {
  Document with = document_of(rule("a", "analyst", "customer-*", "value"));
  Document without = document_of("");
  EXPECT_THAT(changes(with, without), ElementsAre("analyst loses decrypt on glob:customer-*"));
  EXPECT_THAT(changes(without, with), ElementsAre("analyst gains decrypt on glob:customer-*"));
  EXPECT_THAT(changes(with, with), IsEmpty());
}

TEST(PolicyDifference, SaysWhatAResultBecomes) {
  Document before = document_of(rule("b", "billing", "hr-*", "value"));
  Document after = document_of(rule("b", "billing", "hr-*", "mask(last=4)"));
  EXPECT_THAT(changes(before, after),
              ElementsAre("billing: decrypt on glob:hr-* value -> masked mask(last=4)"));
  after = document_of(rule("b", "billing", "hr-*", "value", "limits = [\"5 per hour\"]"));
  EXPECT_THAT(
      changes(before, after),
      ElementsAre("billing: decrypt on glob:hr-* value -> value at most 5 per hour per role"));
  after = document_of(rule("b", "billing", "hr-*", "value", "networks = [\"10.0.0.0/8\"]"));
  EXPECT_THAT(changes(before, after),
              ElementsAre("billing: decrypt on glob:hr-* value -> value when networks 10.0.0.0/8"));
}

TEST(PolicyDifference, ARenamedMovedOrRepeatedRuleChangesNothing) {
  std::string a = rule("a", "analyst", "customer-*", "value"), b = rule("b", "x", "*", "deny");
  EXPECT_THAT(changes(document_of(a + b), document_of(b + a)), IsEmpty());
  EXPECT_THAT(changes(document_of(a), document_of(rule("z", "analyst", "customer-*", "value"))),
              IsEmpty());
  EXPECT_THAT(
      changes(document_of(a), document_of(a + rule("c", "analyst", "customer-pii", "value"))),
      IsEmpty());
}

TEST(PolicyDifference, ADenialThatOverlapsShowsOnlyWhatItTakes) {
  std::string a = rule("a", "analyst", "customer-*", "value");
  EXPECT_THAT(changes(document_of(a), document_of(a + rule("d", "*", "*-card", "deny"))),
              ElementsAre("analyst loses decrypt on customer-card"));
}

TEST(PolicyDifference, ANewDeviceGainsWhatItMay) {
  std::string a = rule("a", "analyst", "customer-*", "value");
  Document before = document_of(a), after = document_of(a, "[[device]]\nname = \"db2\"\n");
  EXPECT_THAT(compare(before, after, {}).declarations, ElementsAre("device db2 is new"));
  EXPECT_THAT(changes(before, after),
              ElementsAre("analyst gains decrypt on glob:customer-* from db2"));
  EXPECT_THAT(changes(Document{}, before), ElementsAre("analyst gains decrypt on glob:customer-*"));
}

TEST(PolicyDifference, IsBounded) {
  std::string rules;
  for (int i = 0; i < 600; ++i)
    rules +=
        rule("r" + std::to_string(i), "role" + std::to_string(i), "k" + std::to_string(i), "value");
  Difference difference = compare(document_of(""), document_of(rules), {});
  EXPECT_FALSE(difference.complete);
  EXPECT_LE(difference.changes.size(), kMaxChanges);

  // More combinations than it will ever look at: rules that differ in every role, key and database.
  rules.clear();
  for (int i = 0; i < 400; ++i) {
    std::string n = std::to_string(i);
    rules += rule("r" + n, "role" + n, "*", "value") + rule("k" + n, "*", "k" + n, "null") +
             rule("d" + n, "*", "*", "value", "databases = [\"d" + n + "\"]");
  }
  EXPECT_FALSE(compare(document_of(""), document_of(rules), {}).complete);
}

// Against decide(), asked about every name there is: what differs is said, and nothing else.
TEST(PolicyDifference, AgreesWithTheDecisionsOfRandomDocuments) {
  std::mt19937 random(1);
  auto one = [&](std::vector<std::string> from) { return from[random() % from.size()]; };
  auto random_rules = [&] {
    std::string rules;
    for (unsigned i = 0, count = random() % 5; i < count; ++i)
      rules += rule("r" + std::to_string(i), one({"a", "b", "a*", "*"}),
                    one({"customer-*", "customer-pii", "*-pay", "*"}),
                    one({"value", "value", "deny", "null", "mask(last=4)"}),
                    one({"", "", "databases = [\"x\"]", "databases = [\"x*\"]"}));
    return rules;
  };
  const std::string keys[] = {"customer-pii", "customer-card", "hr-pay"};
  int same = 0, different = 0;
  for (int round = 0; round < 1'000; ++round) {
    Document before = document_of(random_rules()), after = document_of(random_rules());
    bool decides_otherwise = false;
    for (std::string role : {"a", "ab", "b", "other"})
      for (std::string database : {"x", "xy", "other"})
        for (std::string key : {"customer-pii", "customer-card", "customer-new", "hr-pay", "new"}) {
          Subject subject{
              .device = "db1", .program = "postgres", .database = database, .effective_role = role};
          Decision was = decide(before, subject, Action::decrypt, key, 0);
          Decision is = decide(after, subject, Action::decrypt, key, 0);
          decides_otherwise =
              decides_otherwise || was.verdict != is.verdict || was.masks != is.masks;
        }
    ASSERT_EQ(!changes(before, after).empty(), decides_otherwise);
    ++(decides_otherwise ? different : same);
  }
  EXPECT_GT(std::min(same, different), 20);
}

TEST(PolicyExplanation, NamesTheConditionThatFailed) {
  Document document = document_of(
      rule("office", "analyst", "customer-*", "value",
           "hours = [\"08:00-18:00\"]\ntime_zone = \"UTC\"\nnetworks = [\"10.0.0.0/8\"]") +
      rule("far", "nobody", "other", "value", "networks = [\"192.0.2.0/24\"]"));
  Subject subject{.device = "db1",
                  .program = "postgres",
                  .database = "shop",
                  .effective_role = "analyst",
                  .device_address = "10.1.2.3:7"};
  constexpr std::int64_t kNight = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z
  Explanation explanation = explain(document, subject, Action::decrypt, "customer-pii", kNight);
  EXPECT_EQ(explanation.decision.reason, "no_rule");
  EXPECT_THAT(explanation.applying, IsEmpty());
  ASSERT_EQ(explanation.near.size(), 1u) << "the other rule misses by three";
  EXPECT_EQ(explanation.near[0].rule, "office");
  ASSERT_EQ(explanation.near[0].unmet.size(), 1u);
  EXPECT_EQ(explanation.near[0].unmet[0].condition, "weekdays, hours");
  EXPECT_EQ(explanation.near[0].unmet[0].wants, "08:00-18:00 UTC");
  EXPECT_EQ(explanation.near[0].unmet[0].found, "2026-01-01T00:00:00Z");

  subject.device_address.clear();
  explanation = explain(document, subject, Action::decrypt, "customer-pii", kNight);
  EXPECT_EQ(explanation.near[0].unmet.size(), 2u);
  EXPECT_TRUE(explanation.near[0].unmet[0].undetermined);
  EXPECT_EQ(explanation.near[0].unmet[0].found, "unknown");

  document = document_of(rule("d", "*", "*", "deny", "client_networks = [\"10.0.0.0/8\"]"));
  explanation = explain(document, subject, Action::decrypt, "customer-pii", kNight);
  ASSERT_EQ(explanation.applying.size(), 1u);
  EXPECT_TRUE(explanation.applying[0].unmet[0].undetermined) << "why a denial applies";
}

}  // namespace
}  // namespace nae::policy
