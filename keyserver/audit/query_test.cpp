#include "keyserver/audit/query.hpp"

#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

class QueryTest : public LogTest {
 protected:
  QueryTest() {
    auto wanted = options();
    wanted.segment_bytes = 2000;
    auto log = open_log(wanted);
    for (int i = 0; i < 10; ++i) {
      bool even = i % 2 == 0;
      ContextFragment context =
          render_context({even ? "db1" : "db2", "postgres", "shop", even ? "analyst" : "clerk",
                          "app", "app", "", "", even ? "" : "idp", even ? "" : "u-7"});
      Batch batch;
      batch.add(context, Record{kTestTimeUs + i, even ? "decrypt" : "encrypt",
                                "key-" + std::to_string(i), static_cast<std::uint16_t>(i), 1, 0,
                                i == 4 ? "deny" : "value", "allowed", "r", UINT64_MAX});
      EXPECT_TRUE(log->append(batch));
    }
    Batch batch;
    batch.add(AdminRecord{kTestTimeUs, "alice", "::1", "key-create", "k", "value", "allowed",
                          "line\nbreak \"quoted\" \xc3\xa9"});
    EXPECT_TRUE(log->append(batch));
  }
  std::size_t matches(Filter filter) const {
    auto found = query(directory_, filter);
    EXPECT_TRUE(found);
    return found ? found->size() : 0;
  }
};

TEST_F(QueryTest, EveryFieldFilters) {
  EXPECT_EQ(matches({.event = "request"}), 10u);
  EXPECT_EQ(matches({.event = "admin"}), 1u);
  EXPECT_EQ(matches({.role = "analyst"}), 5u);
  EXPECT_EQ(matches({.role = "nobody"}), 0u);
  EXPECT_EQ(matches({.key = "key-3"}), 1u);
  EXPECT_EQ(matches({.key = "key-*"}), 10u);
  EXPECT_EQ(matches({.action = "encrypt"}), 5u);
  EXPECT_EQ(matches({.verdict = "deny"}), 1u);
  EXPECT_EQ(matches({.device = "db2"}), 5u);
  EXPECT_EQ(matches({.database = "shop"}), 10u);
  EXPECT_EQ(matches({.user = "u-7"}), 5u);
  EXPECT_EQ(matches({.user = "idp"}), 0u);
  EXPECT_EQ(matches({.role = "analyst", .verdict = "deny"}), 1u);
}

TEST_F(QueryTest, TimesAreHalfOpen) {
  Filter filter{.event = "request"};
  filter.from_us = kTestTimeUs + 2;
  filter.to_us = kTestTimeUs + 5;
  auto found = query(directory_, filter);
  ASSERT_EQ(found->size(), 3u);
  EXPECT_EQ(found->front().time_us, kTestTimeUs + 2);
  EXPECT_EQ(found->back().time_us, kTestTimeUs + 4);
}

TEST_F(QueryTest, ALimitKeepsTheNewest) {
  Filter filter{.event = "request"};
  filter.limit = 2;
  auto found = query(directory_, filter);
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ(found->front().key, "key-8");
  EXPECT_EQ(found->back().key, "key-9");
  filter.limit = 0;
  EXPECT_EQ(query(directory_, filter)->size(), 0u);
}

TEST_F(QueryTest, ScanStopsWhenItsVisitorHasEnough) {
  int seen = 0;
  ASSERT_TRUE(scan(directory_, {}, [&](StoredRecord&&) { return ++seen < 3; }));
  EXPECT_EQ(seen, 3);
}

TEST_F(QueryTest, RecordsReadBackWhole) {
  auto record = query(directory_, {.key = "key-3"})->at(0);
  EXPECT_EQ(record.event, "request");
  EXPECT_EQ(record.device, "db2");
  EXPECT_EQ(record.program, "postgres");
  EXPECT_EQ(record.database, "shop");
  EXPECT_EQ(record.role, "clerk");
  EXPECT_EQ(record.session_role, "app");
  EXPECT_EQ(record.login_role, "app");
  EXPECT_EQ(record.user_issuer, "idp");
  EXPECT_EQ(record.user, "u-7");
  EXPECT_EQ(record.key_version, 3);
  EXPECT_EQ(record.items, 1u);
  EXPECT_EQ(record.verdict, "value");
  EXPECT_EQ(record.reason, "allowed");
  EXPECT_EQ(record.rule, "r");
  EXPECT_EQ(record.query_id, UINT64_MAX);
  EXPECT_TRUE(split_line(record.line));
  auto admin = query(directory_, {.event = "admin"})->at(0);
  EXPECT_EQ(admin.admin, "alice");
  EXPECT_EQ(admin.target, "k");
  EXPECT_EQ(admin.detail, "line\nbreak \"quoted\" \xc3\xa9");
}

TEST_F(QueryTest, ATornTailIsPassedOver) {
  std::ofstream(segments().back().path, std::ios::app) << R"({"seq":99,"ti)";
  EXPECT_EQ(matches({.event = "request"}), 10u);
}

TEST_F(QueryTest, ALineThatIsNoRecordIsNamed) {
  auto lines = lines_of(segment(1));
  lines[1] = "nonsense";
  write_lines(segment(1), lines);
  auto found = query(directory_, {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::audit_broken);
  EXPECT_NE(found.error().message.find(segment(1).filename().string() + " line 2"),
            std::string::npos);
}

TEST(ParseRecord, RefusesWhatIsNone) {
  ASSERT_TRUE(parse_record(R"({"seq":1,"time":"2024-02-29T00:00:00.000000Z","event":"x"})"));
  for (
      std::string_view line :
      {"", "{}", "[1]", R"({"seq":0,"time":"2024-02-29T00:00:00.000000Z","event":"x"})",
       R"({"seq":1,"time":"2023-02-29T00:00:00.000000Z","event":"x"})",
       R"({"seq":1,"time":"2024-02-29T24:00:00.000000Z","event":"x"})",
       R"({"seq":1,"time":"2024-02-29T00:00:00Z","event":"x"})",
       R"({"seq":1,"time":7,"event":"x"})",
       R"({"seq":-1,"time":"2024-02-29T00:00:00.000000Z","event":"x"})",
       R"({"seq":1.5,"time":"2024-02-29T00:00:00.000000Z","event":"x"})",
       R"({"seq":1,"time":"2024-02-29T00:00:00.000000Z"})",
       R"({"seq":1,"time":"2024-02-29T00:00:00.000000Z","event":"x","items":18446744073709551616})"})
    EXPECT_FALSE(parse_record(line)) << line;
}

}  // namespace
}  // namespace nae::audit
