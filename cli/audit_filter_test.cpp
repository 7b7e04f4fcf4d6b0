#include <gtest/gtest.h>

#include <sstream>

#include "cli/audit_commands.hpp"
#include "cli/test_directory.hpp"

namespace nae::cli {
namespace {

TEST(FilterOf, TakesEveryOption) {
  const FilterOptions options{"request", "r", "k", "a",          "v",
                              "d",       "b", "u", "1970-01-01", "1970-01-01T00:00:01Z"};
  auto filter = filter_of(options);
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->event, "request");
  EXPECT_EQ(filter->role, "r");
  EXPECT_EQ(filter->key, "k");
  EXPECT_EQ(filter->action, "a");
  EXPECT_EQ(filter->verdict, "v");
  EXPECT_EQ(filter->device, "d");
  EXPECT_EQ(filter->database, "b");
  EXPECT_EQ(filter->user, "u");
  EXPECT_EQ(filter->from_us, 0);
  EXPECT_EQ(filter->to_us, 1'000'000);
}

TEST(FilterOf, RefusesTimesThatAreNone) {
  for (const char* time : {"next week", "1970-13-01", "1970-01-01T00:00:00+16:00", "1970-01-01 "}) {
    FilterOptions from, to;
    from.from = to.to = time;
    for (const FilterOptions& options : {from, to}) {
      auto filter = filter_of(options);
      ASSERT_FALSE(filter) << time;
      EXPECT_EQ(filter.error().code, Code::invalid_argument);
    }
  }
}

// What a person types must not become another parameter, or another address.
TEST(FilterParameters, EncodesWhatIsNoLetter) {
  FilterOptions options;
  EXPECT_EQ(filter_parameters("/v1/audit", options), "/v1/audit");
  options.role = "a&key=b#c d/\u00e9%";
  EXPECT_EQ(filter_parameters("/v1/audit", options, "5"),
            "/v1/audit?role=a%26key%3Db%23c%20d%2F%C3%A9%25&limit=5");
  options.role.clear();
  options.key = "A.b_c-d~9";
  EXPECT_EQ(filter_parameters("/v1/audit", options, "", "7"), "/v1/audit?key=A.b_c-d~9&after=7");
}

TEST(WarnOfState, MovesNoCursor) {
  std::ostringstream out, err;
  const Terminal nobody;
  Call call{out, err, nobody, {}};
  warn_of_state(
      call, json::object{{"damaged_segments",
                          json::array{json::object{{"file", "a\x1b[2J"}, {"problem", "b\r"}}}}});
  EXPECT_NE(err.str().find("WARNING: a"), std::string::npos);
  EXPECT_EQ(err.str().find('\x1b'), std::string::npos);
  EXPECT_EQ(err.str().find('\r'), std::string::npos);
  EXPECT_EQ(out.str(), "");
  std::ostringstream silent;
  Call whole{out, silent, nobody, {}};
  warn_of_state(whole, json::object{});
  warn_of_state(whole, json::object{{"archived_seq", 0}});
  EXPECT_EQ(silent.str(), "");
}

TEST(WarnOfState, SaysWhatWasRemovedOnPurpose) {
  std::ostringstream out, err;
  const Terminal nobody;
  Call call{out, err, nobody, {}};
  warn_of_state(call, json::object{{"truncated", true}, {"archived_seq", 42}});
  EXPECT_EQ(err.str(), "") << "older ones than those that are shown are there";
  warn_of_state(call, json::object{{"truncated", false}, {"archived_seq", 42}});
  EXPECT_NE(err.str().find("Records up to 42 were removed on purpose"), std::string::npos);
}

class WithState : public DirectoryTest {};

TEST_F(WithState, FindsWhatDoesNotVerify) {
  auto none = with_state({}, directory_.string());
  EXPECT_TRUE(!none || none->at("damaged_segments").as_array().empty());
  write("audit-000000000001.jsonl", "not a record\n");
  write("audit-000000000002.jsonl", "nor this\n");
  auto state = with_state({{"records", 7}}, directory_.string());
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->at("records"), 7) << "what was answered stays";
  EXPECT_EQ(state->at("archived_seq"), 0u);
  const json::array& damaged = state->at("damaged_segments").as_array();
  ASSERT_EQ(damaged.size(), 1u) << "the newest is being written";
  EXPECT_EQ(damaged.front().at("file"), "audit-000000000001.jsonl");
}

}  // namespace
}  // namespace nae::cli
