#include "keyserver/audit/request_records.hpp"

#include <algorithm>
#include <set>

#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

class RequestRecordsTest : public LogTest {
 protected:
  static ContextFragment who(std::string_view role) {
    return render_context({"db1", "postgres", "shop", role, role, role, "10.0.0.9", "psql"});
  }
  void ask(std::string_view role, std::string_view key, std::string_view verdict = "deny",
           bool key_known = true) {
    Record record{now_us_, "decrypt", key, 0, 10, 10, verdict, "no_rule", "", 7, 1};
    record.key_known = key_known;
    requests_.add(who(role), record);
  }
  // What the log has after everything waiting was written.
  std::vector<StoredRecord> written() {
    auto log = open_log();
    EXPECT_TRUE(log->append(requests_.batch()));
    while (requests_.counting()) {
      EXPECT_TRUE(log->append(requests_.counts()));
      requests_.forget_counts();
    }
    requests_.clear_batch();
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

TEST_F(RequestRecordsTest, GrantsOfKeysAreNeverCounted) {
  for (int i = 0; i < 500; ++i) ask("analyst", "pii", "value");
  EXPECT_EQ(requests_.batch().size(), 500u);
  EXPECT_FALSE(requests_.counting());
}

TEST_F(RequestRecordsTest, TheFirstDenialsStandWholeAndTheRestIsOneCount) {
  for (std::size_t i = 0; i < kWholeOfKind; ++i) ask("mallory", "pii");
  EXPECT_FALSE(requests_.counting());
  for (int i = 0; i < 1000; ++i) {
    now_us_ += 10;
    ask("mallory", "pii");
  }
  EXPECT_TRUE(requests_.counting());
  auto found = written();
  ASSERT_EQ(found.size(), kWholeOfKind + 1);
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
  for (std::size_t i = 0; i < kWholeOfKind; ++i) requests_.add(who("mallory"), first);
  for (const Record& other : others) requests_.add(who("mallory"), other);
  requests_.add(who("trudy"), first);
  EXPECT_FALSE(requests_.counting());
  requests_.add(who("mallory"), first);
  EXPECT_TRUE(requests_.counting());
}

TEST_F(RequestRecordsTest, EqualGrantsWithoutAKeyAreCountedTogether) {
  for (int i = 0; i < 1000; ++i) {
    ask("analyst", "", "value");
    ask("analyst", "");
  }
  EXPECT_EQ(requests_.batch().size(), 2 * kWholeOfKind);
  auto found = written();
  ASSERT_EQ(found.size(), 2 * kWholeOfKind + 2) << "grants and denials apart";
  EXPECT_EQ(requests_in(found), 2000u);
}

// 80 probes of invented keys, and what others do on that connection still has its records.
TEST_F(RequestRecordsTest, WhoInventsKeysHidesNobodyElse) {
  for (int i = 0; i < 10'000; ++i) ask("mallory", "key-" + std::to_string(i), "deny", false);
  EXPECT_LE(requests_.batch().size(), kWholeOfKind) << "all of them are one kind";
  ask("trudy", "pii");
  ask("mallory", "pii");
  auto found = written();
  EXPECT_EQ(requests_in(found), 10'002u) << "none is lost from the count";
  EXPECT_EQ(std::ranges::count_if(found,
                                  [](const StoredRecord& record) {
                                    return record.role == "trudy" && record.key == "pii";
                                  }),
            1);
  EXPECT_EQ(std::ranges::count_if(found,
                                  [](const StoredRecord& record) {
                                    return record.role == "mallory" && record.key == "pii";
                                  }),
            1)
      << "a key that exists stands apart from the invented ones";
  EXPECT_EQ(found.back().key, kUnknownKeys);
  EXPECT_EQ(found.back().action, "decrypt");
  EXPECT_EQ(found.back().role, "mallory");
}

TEST_F(RequestRecordsTest, ManyKeysThatExistAreToldApartASecondAtATime) {
  constexpr int kKeys = 1006;
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < kKeys; ++i) ask("mallory", "key-" + std::to_string(i));
  EXPECT_EQ(requests_.batch().size(), kWholeOfAsker);
  EXPECT_LE(requests_.counts().size(), kCountsOfAsker) << "so many a second";
  auto found = written();
  EXPECT_EQ(requests_in(found), 3u * kKeys);
  std::set<std::string> keys;
  for (const StoredRecord& record : found) keys.insert(record.key);
  EXPECT_EQ(keys.size(), kKeys) << "none is lost among the others";
}

TEST_F(RequestRecordsTest, ManyAskersAreToldApartByLoginAndAction) {
  for (int i = 0; i < 3000; ++i) {
    const std::string role = "invented" + std::to_string(i);
    Record record{now_us_, "decrypt", "pii", 0, 1, 1, "deny", "no_rule", "", 7, 1};
    requests_.add(
        render_context({"db1", "postgres", "shop", role, role, "app", "10.0.0.9", "psql"}), record);
  }
  EXPECT_LE(requests_.batch().size(), kWholeInAll);
  auto found = written();
  EXPECT_LE(found.size(), kWholeInAll + kAskers + 1);
  EXPECT_EQ(requests_in(found), 3000u);
  const auto crowd = std::ranges::find(found, kSeveral, &StoredRecord::role);
  ASSERT_NE(crowd, found.end());
  EXPECT_EQ(crowd->login_role, "app");
  EXPECT_EQ(crowd->database, "shop");
  EXPECT_EQ(crowd->action, "decrypt");
  EXPECT_EQ(crowd->key, "pii");
}

TEST_F(RequestRecordsTest, InventedLoginsAreOneCrowdInTheEnd) {
  for (int i = 0; i < 5000; ++i) ask("login" + std::to_string(i), "pii");
  auto found = written();
  EXPECT_LE(found.size(), kWholeInAll + 2 * kAskers + 2);
  EXPECT_EQ(requests_in(found), 5000u);
  const auto crowd = std::ranges::find(found, kSeveral, &StoredRecord::login_role);
  ASSERT_NE(crowd, found.end());
  EXPECT_EQ(crowd->device, "db1");
  EXPECT_EQ(crowd->action, "decrypt");
}

TEST_F(RequestRecordsTest, AnApplicationNameMakesNoOtherAsker) {
  for (int i = 0; i < 1000; ++i) {
    const std::string application = "x" + std::to_string(i);
    Record record{now_us_, "decrypt", "pii", 0, 1, 1, "deny", "no_rule", "", 7, 1};
    requests_.add(
        render_context({"db1", "postgres", "shop", "a", "a", "a", "10.0.0.9", application}),
        record);
  }
  EXPECT_EQ(requests_.batch().size(), kWholeOfKind);
}

TEST_F(RequestRecordsTest, AnotherSecondBeginsAnew) {
  for (std::size_t i = 0; i < kWholeOfKind; ++i) ask("mallory", "pii");
  now_us_ += kCountingTimeUs - 1;
  ask("mallory", "pii");
  EXPECT_TRUE(requests_.counting());
  EXPECT_EQ(requests_.counts().size(), 1u);
  requests_.forget_counts();
  ask("mallory", "pii");
  EXPECT_FALSE(requests_.counting()) << "its counts were written";
  for (std::size_t i = 1; i < kWholeOfKind; ++i) ask("mallory", "pii");
  now_us_ += kCountingTimeUs;
  ask("mallory", "pii");
  EXPECT_FALSE(requests_.counting()) << "its second is over";
}

TEST_F(RequestRecordsTest, CountsStayUntilTheyAreWritten) {
  for (std::size_t i = 0; i < 10; ++i) ask("mallory", "pii");
  EXPECT_EQ(requests_.counts().size(), 1u);
  now_us_ += 10 * kCountingTimeUs;
  ask("mallory", "pii");
  EXPECT_EQ(requests_in(written()), 11u);
}

}  // namespace
}  // namespace nae::audit
