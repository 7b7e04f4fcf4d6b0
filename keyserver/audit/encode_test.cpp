#include "keyserver/audit/encode.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <random>

#include "libnae/base/text.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::audit {
namespace {

std::string encoded(std::string_view text, std::size_t max_bytes = kMaxFieldBytes) {
  std::string out;
  append_json_text(out, text, max_bytes);
  return out;
}

std::string time_text(std::int64_t time_us) {
  std::string out;
  append_time(out, time_us);
  return out;
}

TEST(EncodeText, EscapesWhatJsonAndTerminalsMind) {
  EXPECT_EQ(encoded("plain"), R"("plain")");
  EXPECT_EQ(encoded(""), R"("")");
  EXPECT_EQ(encoded(R"(a"b\c)"), R"("a\"b\\c")");
  EXPECT_EQ(encoded(std::string_view("\0\n\x1b\x7f", 4)), R"("\u0000\u000a\u001b\u007f")");
  EXPECT_EQ(encoded("x\",\"verdict\":\"value"), R"("x\",\"verdict\":\"value")");
}

TEST(EncodeText, KeepsWellFormedUtf8) {
  for (std::string_view text : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(encoded(text), '"' + std::string(text) + '"');
}

TEST(EncodeText, ReplacesWhatIsNoUtf8) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  struct Row {
    std::string_view text;
    std::size_t replacements;
  };
  for (Row row : {Row{"\x80", 1}, Row{"\xff", 1}, Row{"\xc3", 1}, Row{"\xc0\xaf", 2},
                  Row{"\xe0\x80\x80", 3}, Row{"\xed\xa0\x80", 3}, Row{"\xf5\x80\x80\x80", 4},
                  Row{"\xf4\x90\x80\x80", 4}, Row{"\xe2\x82", 2}}) {
    std::string expected = "\"";
    for (std::size_t i = 0; i < row.replacements; ++i) expected += kReplacement;
    EXPECT_EQ(encoded(row.text), expected + "\"") << to_hex(as_bytes(row.text));
  }
}

// Of another implementation, from the specification.
TEST(EncodeText, IsThatOfTheVectors) {
  for (const auto& vector : vectors::read("audit_text.txt")) {
    const Bytes raw = vector.bytes("raw");
    EXPECT_EQ(to_hex(as_bytes(encoded(as_text(raw), vector.number("limit")))), vector.value("json"))
        << vector.section;
  }
}

TEST(EncodeText, CutsAtACharacter) {
  EXPECT_EQ(encoded("abcd", 4), R"("abcd")");
  EXPECT_EQ(encoded("abcde", 4), "\"abcd\xe2\x80\xa6\"");
  EXPECT_EQ(encoded("abc\xe2\x82\xacx", 5), "\"abc\xe2\x80\xa6\"");
  EXPECT_LT(encoded(std::string(1 << 20, '\1')).size(), 6 * kMaxFieldBytes + 8);
}

TEST(EncodeText, WhateverComesInAJsonReaderGetsUtf8Out) {
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string text(random() % 300, '\0');
    for (char& c : text) c = static_cast<char>(random() % 3 == 0 ? random() : 0xc0 + random() % 64);
    std::string json = encoded(text);
    boost::json::error_code error;
    auto value = boost::json::parse(boost::json::string_view(json.data(), json.size()), error);
    ASSERT_FALSE(error) << json;
    ASSERT_TRUE(is_utf8({value.get_string().data(), value.get_string().size()}));
    for (char c : json) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}

TEST(EncodeTime, HasOneForm) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(time_text(1), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(time_text(1'709'251'199'999'999), "2024-02-29T23:59:59.999999Z");
  EXPECT_EQ(time_text(-1), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(time_text(INT64_MAX), "9999-12-31T23:59:59.999999Z");
}

TEST(EncodeRecord, HasAFixedOrder) {
  std::string out;
  auto context = render_context({"db1", "postgres", "shop", "r\"", "s", "l", "", "psql"});
  append_record(out, context,
                Record{1, "decrypt", "k", 3, 1000, 2, "value", "allowed", "rule-1", UINT64_MAX});
  EXPECT_EQ(out, R"("time":"1970-01-01T00:00:00.000001Z","event":"request","device":"db1",)"
                 R"("program":"postgres","database":"shop","role":"r\"","session_role":"s",)"
                 R"("login_role":"l","client_address":"","application_name":"psql",)"
                 R"("action":"decrypt","key":"k","key_version":3,"items":1000,"failed_items":2,)"
                 R"("verdict":"value","reason":"allowed","rule":"rule-1",)"
                 R"("query_id":18446744073709551615)");
  out.clear();
  context =
      render_context({"db1", "postgres", "shop", "r", "s", "l", "", "psql", "idp", "al\nice"});
  append_record(out, context, Record{1, "decrypt", "k", 3, 1, 0, "value", "allowed", "rule-1", 0});
  EXPECT_NE(out.find(R"("application_name":"psql","user_issuer":"idp","user":"al\u000aice",)"
                     R"("action":"decrypt",)"),
            std::string::npos);
  out.clear();
  append_record(out, AdminRecord{0, "alice", "::1", "key-create", "k", "deny", "key_exists", "d"});
  EXPECT_EQ(out, R"("time":"1970-01-01T00:00:00.000000Z","event":"admin","admin":"alice",)"
                 R"("client_address":"::1","action":"key-create","target":"k","verdict":"deny",)"
                 R"("reason":"key_exists","detail":"d")");
  out.clear();
  append_record(out, EventRecord{0, "started", ""});
  EXPECT_EQ(out, R"("time":"1970-01-01T00:00:00.000000Z","event":"started","detail":"")");
}

}  // namespace
}  // namespace nae::audit
