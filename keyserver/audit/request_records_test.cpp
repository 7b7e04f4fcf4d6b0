#include "keyserver/audit/request_records.hpp"

#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

class RequestRecordsTest : public LogTest {
 protected:
  static ContextFragment who(std::string_view role) {
    return render_context({"db1", "postgres", "shop", role, role, role, "10.0.0.9", "psql"});
  }
  void ask(std::string_view role, std::string_view key, std::string_view verdict = "deny") {
    Record record{now_us_, "decrypt", key, 0, 10, 10, verdict, "no_rule", "", 7, 1};
    requests_.add(who(role), record);
  }
  // What the log has after everything waiting was written.
  std::vector<StoredRecord> written() {
    auto log = open_log();
    EXPECT_TRUE(log->append(requests_.batch()));
    EXPECT_TRUE(log->append(requests_.counts("db1")));
    requests_.clear_batch();
    requests_.forget_counts();
    return records("request");
  }
  static std::uint64_t requests_in(const std::vector<StoredRecord>& found) {
    std::uint64_t sum = 0;
    for (const StoredRecord& record : found) sum += record.repeated;
    return sum;
  }
  RequestRecords requests_;
  std::int64_t now_us_ = kTestTimeUs;
};

TEST_F(RequestRecordsTest, GrantsAreNeverCounted) {
  for (int i = 0; i < 500; ++i) ask("analyst", "pii", "value");
  EXPECT_EQ(requests_.batch().size(), 500u);
  EXPECT_FALSE(requests_.counting());
}

TEST_F(RequestRecordsTest, TheFirstDenialsStandWholeAndTheRestIsOneCount) {
  for (std::size_t i = 0; i < kWholeDenials; ++i) ask("mallory", "pii");
  EXPECT_FALSE(requests_.counting());
  for (int i = 0; i < 1000; ++i) {
    now_us_ += 10;
    ask("mallory", "pii");
  }
  EXPECT_TRUE(requests_.counting());
  auto found = written();
  ASSERT_EQ(found.size(), kWholeDenials + 1);
  const StoredRecord& count = found.back();
  EXPECT_EQ(count.repeated, 1000u);
  EXPECT_EQ(count.items, 10'000u);
  EXPECT_EQ(count.failed_items, 10'000u);
  EXPECT_EQ(count.role, "mallory");
  EXPECT_EQ(count.key, "pii");
  EXPECT_EQ(count.reason, "no_rule");
  EXPECT_EQ(count.query_id, 7u);
  EXPECT_EQ(count.time_us, now_us_);
  EXPECT_EQ(found.front().repeated, 1u);
  EXPECT_TRUE(verified().intact());
}

TEST_F(RequestRecordsTest, EveryFieldOfAKindTellsItApart) {
  Record first{now_us_, "decrypt", "pii", 1, 1, 1, "deny", "no_rule", "r", 7, 1};
  std::vector<Record> others(5, first);
  others[0].action = "encrypt";
  others[1].key = "ssn";
  others[2].key_version = 2;
  others[3].reason = "denied_by_rule";
  others[4].rule = "s";
  for (std::size_t i = 0; i < kWholeDenials; ++i) requests_.add(who("mallory"), first);
  for (const Record& other : others) requests_.add(who("mallory"), other);
  requests_.add(who("trudy"), first);
  EXPECT_FALSE(requests_.counting());
  requests_.add(who("mallory"), first);
  EXPECT_TRUE(requests_.counting());
}

TEST_F(RequestRecordsTest, NamesMadeUpOneAfterTheOtherDoNotHelp) {
  for (int i = 0; i < 10'000; ++i) ask("mallory", "key-" + std::to_string(i));
  EXPECT_EQ(requests_.batch().size(), kWholeDenialsInAll);
  auto found = written();
  EXPECT_LE(found.size(), kWholeDenialsInAll + kKindsOfDenials + 1);
  EXPECT_EQ(requests_in(found), 10'000u) << "none is lost from the count";
  EXPECT_EQ(found.back().action, kSeveral);
  EXPECT_EQ(found.back().reason, kSeveral);
  EXPECT_EQ(found.back().device, "db1");
  EXPECT_EQ(found.back().role, "");
}

TEST_F(RequestRecordsTest, AnotherSecondBeginsAnew) {
  for (std::size_t i = 0; i < kWholeDenials; ++i) ask("mallory", "pii");
  now_us_ += kCountingTimeUs - 1;
  ask("mallory", "pii");
  EXPECT_TRUE(requests_.counting());
  requests_.forget_counts();
  ask("mallory", "pii");
  EXPECT_FALSE(requests_.counting()) << "its counts were written";
  for (std::size_t i = 1; i < kWholeDenials; ++i) ask("mallory", "pii");
  now_us_ += kCountingTimeUs;
  ask("mallory", "pii");
  EXPECT_FALSE(requests_.counting()) << "its second is over";
}

TEST_F(RequestRecordsTest, CountsStayUntilTheyAreWritten) {
  for (std::size_t i = 0; i < 10; ++i) ask("mallory", "pii");
  EXPECT_EQ(requests_.counts("db1").size(), 1u);
  now_us_ += 10 * kCountingTimeUs;
  ask("mallory", "pii");
  EXPECT_EQ(requests_in(written()), 11u);
}

}  // namespace
}  // namespace nae::audit
