#include "cli/audit_merge.hpp"

#include <gtest/gtest.h>

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

json::value record(int seq, const char* second) {
  return {{"seq", seq}, {"time", std::string("2026-01-01T00:00:") + second + ".000000Z"}};
}
json::value found(std::initializer_list<json::value> records, bool truncated = false) {
  return json::object{{"records", json::array(records.begin(), records.end())},
                      {"truncated", truncated},
                      {"damaged_segments", json::array()}};
}
std::string order(const json::value& merged) {
  std::string text;
  for (const json::value& record : items(merged, "records"))
    text += shown(record, "node") + ":" + shown(record, "seq") + " ";
  return text;
}

TEST(MergeRecords, GoesByTimeThenNodeThenSequence) {
  const std::vector<NodeAnswer> answers{
      {"ks2", found({record(9, "01"), record(10, "01"), record(11, "05")})},
      {"ks1", found({record(2, "01"), record(3, "07")})}};
  EXPECT_EQ(order(merge_records(answers, 100)), "ks1:2 ks2:9 ks2:10 ks2:11 ks1:3 ");
  EXPECT_EQ(shown(merge_records(answers, 5), "truncated"), "false");
}

TEST(MergeRecords, KeepsTheNewestAndSaysThatThereAreOlderOnes) {
  const std::vector<NodeAnswer> answers{{"ks1", found({record(1, "01"), record(2, "03")})},
                                        {"ks2", found({record(1, "02"), record(2, "04")})}};
  EXPECT_EQ(order(merge_records(answers, 3)), "ks2:1 ks1:2 ks2:2 ");
  EXPECT_EQ(shown(merge_records(answers, 3), "truncated"), "true");
  EXPECT_EQ(shown(merge_records(answers, 4), "truncated"), "false");
  EXPECT_EQ(shown(merge_records({{"ks1", found({record(1, "01")}, true)}}, 4), "truncated"), "true")
      << "of one of them";
}

TEST(MergeRecords, NamesTheNodeOfWhatIsDamaged) {
  json::value answer = found({});
  answer.as_object()["damaged_segments"] = {{{"file", "audit-1.jsonl"}, {"problem", "x"}}};
  const json::value merged = merge_records({{"ks2", answer}}, 1);
  EXPECT_EQ(shown(items(merged, "damaged_segments").at(0), "node"), "ks2");
  EXPECT_EQ(shown(items(merged, "damaged_segments").at(0), "file"), "audit-1.jsonl");
}

TEST(MergeSummaries, AddsUpWhatHasOneName) {
  auto sums = [](int requests, const char* name) -> json::object {
    return {
        {"name", name}, {"requests", requests}, {"items", 10}, {"failed_items", 0}, {"denied", 1}};
  };
  auto of = [&](int total, std::initializer_list<json::value> roles) -> json::value {
    return {{"total", sums(total, "")}, {"roles", json::array(roles.begin(), roles.end())}};
  };
  const json::value merged = merge_summaries(
      {{"ks1", of(3, {sums(1, "app"), sums(2, "etl")})}, {"ks2", of(5, {sums(5, "app")})}});
  const json::array& roles = items(merged, "roles");
  ASSERT_EQ(roles.size(), 2u);
  EXPECT_EQ(shown(roles[0], "name") + shown(roles[0], "requests"), "app6");
  EXPECT_EQ(shown(roles[0], "denied"), "2");
  EXPECT_EQ(shown(roles[1], "requests"), "2");
  EXPECT_EQ(shown(merged.as_object().at("total"), "requests"), "8");
  ASSERT_EQ(items(merged, "by_node").size(), 2u);
  EXPECT_EQ(shown(items(merged, "by_node").at(1), "name"), "ks2");
  EXPECT_EQ(shown(items(merged, "by_node").at(1), "requests"), "5");
}

TEST(MergeReports, RowsNameTheirNodes) {
  auto report = [](const char* until, bool complete) -> json::value {
    return {{"since", "2026-01-01T00:00:00Z"},
            {"until", until},
            {"complete", complete},
            {"first_uses", {{{"role", "app"}, {"key", "pii"}}}}};
  };
  const json::value merged = merge_reports({{"ks1", report("2026-01-02T00:00:00Z", true)},
                                            {"ks2", report("2026-01-02T00:00:01Z", false)}});
  EXPECT_EQ(shown(merged, "since"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(shown(merged, "until"), "2026-01-02T00:00:01Z");
  EXPECT_EQ(shown(merged, "complete"), "false");
  ASSERT_EQ(items(merged, "first_uses").size(), 2u);
  EXPECT_EQ(shown(items(merged, "first_uses").at(1), "node"), "ks2");
  EXPECT_EQ(shown(items(merged, "first_uses").at(1), "role"), "app");
}

}  // namespace
}  // namespace nae::cli
