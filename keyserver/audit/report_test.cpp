#include "keyserver/audit/report.hpp"

#include "keyserver/audit/summary.hpp"
#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

constexpr std::int64_t kDayUs = 86'400'000'000;
constexpr std::int64_t kSinceUs = kTestTimeUs;
constexpr std::int64_t kUntilUs = kTestTimeUs + kDayUs;

class ReportTest : public LogTest {
 protected:
  ReportTest() : log_(open_log()) {}

  void ask(std::string_view role, std::string_view key, std::int64_t time_us,
           std::string_view verdict = "value", std::uint64_t items = 1,
           std::string_view reason = "no_rule", std::uint64_t repeated = 1) {
    Batch batch;
    batch.add(render_context({"db1", "postgres", "shop", role, role, role, "", "psql"}),
              Record{time_us, "decrypt", key, 1, items, verdict == "deny" ? items : 0, verdict,
                     reason, "", 0, repeated});
    ASSERT_TRUE(log_->append(batch));
  }
  Report report() const {
    auto made = make_report(directory_, kSinceUs, kUntilUs);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : Report{};
  }
  std::unique_ptr<Log> log_;
};

TEST_F(ReportTest, ABurstIsTenOfAKindWithinAMinute) {
  for (std::int64_t i = 0; i < 9; ++i) ask("nine", "pii", kSinceUs + i, "deny");
  for (std::int64_t i = 0; i < 10; ++i) ask("ten", "pii", kSinceUs + i, "deny");
  for (std::int64_t i = 0; i < 30; ++i) ask("slow", "pii", kSinceUs + i * 10'000'000, "deny");
  ask("counted", "pii", kSinceUs, "deny", 500, "no_rule", 500);
  for (std::int64_t i = 0; i < 30; ++i) ask("before", "pii", kSinceUs - 1, "deny");
  for (std::int64_t i = 0; i < 30; ++i) ask("after", "pii", kUntilUs, "deny");
  auto made = report();
  ASSERT_EQ(made.bursts.size(), 2u);
  EXPECT_EQ(made.bursts[0].role, "counted");
  EXPECT_EQ(made.bursts[0].requests, 500u);
  EXPECT_EQ(made.bursts[1].role, "ten");
  EXPECT_EQ(made.bursts[1].requests, 10u);
  EXPECT_EQ(made.bursts[1].first_us, kSinceUs);
  EXPECT_EQ(made.bursts[1].last_us, kSinceUs + 9);
}

TEST_F(ReportTest, OnlyAFirstUseIsOne) {
  ask("analyst", "pii", kSinceUs - kDayUs);
  ask("analyst", "pii", kSinceUs + 1);
  ask("analyst", "ssn", kSinceUs + 2);
  ask("analyst", "ssn", kSinceUs + 3);
  ask("mallory", "pii", kSinceUs + 4, "deny");
  auto made = report();
  ASSERT_EQ(made.first_uses.size(), 1u);
  EXPECT_EQ(made.first_uses[0].key, "ssn");
  EXPECT_EQ(made.first_uses[0].time_us, kSinceUs + 2);
}

TEST_F(ReportTest, LimitsThatWereReachedAreCounted) {
  ask("analyst", "pii", kSinceUs, "deny", 7, kLimitExceeded);
  ask("analyst", "pii", kSinceUs + 5, "deny", 20, kLimitExceeded, 2);
  ask("analyst", "pii", kSinceUs + 6, "deny", 7, "no_rule");
  auto made = report();
  ASSERT_EQ(made.breaches.size(), 1u);
  EXPECT_EQ(made.breaches[0].requests, 3u);
  EXPECT_EQ(made.breaches[0].items, 27u);
  EXPECT_EQ(made.breaches[0].last_us, kSinceUs + 5);
}

TEST_F(ReportTest, VolumesStandBesideThoseOfTheWeek) {
  ask("analyst", "pii", kSinceUs - 8 * kDayUs, "value", 1'000'000);
  for (std::int64_t day = 1; day <= 7; ++day)
    ask("analyst", "pii", kSinceUs - day * kDayUs, "value", 100);
  ask("analyst", "pii", kSinceUs, "value", 5000);
  ask("analyst", "pii", kSinceUs, "deny", 9999);
  auto made = report();
  ASSERT_EQ(made.volumes.size(), 1u);
  EXPECT_EQ(made.volumes[0].items, 5000u);
  EXPECT_DOUBLE_EQ(made.volumes[0].usual_items, 100);
}

TEST_F(ReportTest, NamesWithoutEndAreBounded) {
  Batch batch;
  for (std::size_t i = 0; i < kMaxReportGroups + 5; ++i) {
    const std::string role = "role-" + std::to_string(i);
    batch.add(render_context({"db1", "postgres", "shop", role, role, role, "", "psql"}),
              Record{kSinceUs, "decrypt", "pii", 1, 1, 1, "deny", "no_rule", "", 0, 1});
  }
  ASSERT_TRUE(log_->append(batch));
  EXPECT_FALSE(report().complete);
  auto summary = summarize(directory_, {});
  EXPECT_EQ(summary->by_role.size(), kMaxSummaryRows + 1);
  EXPECT_EQ(summary->by_role.at(std::string(kOthers)).requests,
            kMaxReportGroups + 5 - kMaxSummaryRows);
}

TEST_F(ReportTest, ATimeThatHasNotBegunIsRefused) {
  EXPECT_EQ(make_report(directory_, kUntilUs, kUntilUs).error().code, Code::invalid_argument);
}

TEST_F(ReportTest, SumsCountRequestsNotRecords) {
  ask("analyst", "pii", kSinceUs, "value", 10);
  ask("analyst", "ssn", kSinceUs, "value", 5);
  ask("mallory", "pii", kSinceUs, "deny", 40, "no_rule", 20);
  auto summary = summarize(directory_, {});
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->total.requests, 22u);
  EXPECT_EQ(summary->total.denied, 20u);
  EXPECT_EQ(summary->total.items, 55u);
  EXPECT_EQ(summary->by_key.at("pii").requests, 21u);
  EXPECT_EQ(summary->by_verdict.at("deny").failed_items, 40u);
  Filter filter;
  filter.key = "s*";
  EXPECT_EQ(summarize(directory_, filter)->total.items, 5u);
}

TEST_F(ReportTest, PagesHoldEveryMatchOnce) {
  for (std::int64_t i = 0; i < 25; ++i) ask(i % 2 ? "odd" : "even", "pii", kSinceUs + i);
  Filter filter;
  filter.role = "odd";
  filter.limit = 5;
  std::vector<std::uint64_t> found;
  for (int pages = 0; pages < 10; ++pages) {
    auto page = read_page(directory_, filter);
    ASSERT_TRUE(page) << page.error().message;
    for (const StoredRecord& record : page->records) found.push_back(record.seq);
    if (!page->next) break;
    filter.after_seq = *page->next;
  }
  ASSERT_EQ(found.size(), 12u);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], 3 + 2 * i);
}

}  // namespace
}  // namespace nae::audit
