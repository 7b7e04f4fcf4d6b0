#include "libnae/base/log_record.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "libnae/base/log_text.hpp"

namespace nae {
namespace {

constexpr std::chrono::system_clock::time_point kAt{
    std::chrono::microseconds(1'700'000'000'000'042)};

std::string record(LogFormat format, std::string_view message, LogLevel level = LogLevel::info) {
  return log_record(format, "nae-agent", level, kAt, message);
}

TEST(LogRecord, Text) {
  EXPECT_EQ(record(LogFormat::text, "event=started servers=2", LogLevel::warning),
            "2023-11-14T22:13:20.000042Z level=warning event=started servers=2\n");
}

TEST(LogRecord, TheJournalIsToldThePriorityAndKnowsTheTime) {
  EXPECT_EQ(record(LogFormat::journal, "event=a", LogLevel::debug), "<7>event=a\n");
  EXPECT_EQ(record(LogFormat::journal, "event=a", LogLevel::info), "<6>event=a\n");
  EXPECT_EQ(record(LogFormat::journal, "event=a", LogLevel::warning), "<4>event=a\n");
  EXPECT_EQ(record(LogFormat::journal, "event=a", LogLevel::error), "<3>event=a\n");
}

constexpr std::string_view kHead =
    R"({"time":"2023-11-14T22:13:20.000042Z","level":"info","program":"nae-agent")";

std::string json(std::string_view message) {
  const std::string line = record(LogFormat::json, message);
  EXPECT_EQ(line.substr(0, kHead.size()), kHead);
  EXPECT_TRUE(line.ends_with("}\n"));
  return line.substr(kHead.size(), line.size() - kHead.size() - 2);
}

TEST(LogRecord, FieldsBecomeMembers) {
  EXPECT_EQ(json("event=stopped"), R"(,"event":"stopped")");
  EXPECT_EQ(json(R"(event=x limit=12 reason="two words" last=)"),
            R"(,"event":"x","limit":"12","reason":"two words","last":"")");
  EXPECT_EQ(json(""), "");
}

TEST(LogRecord, QuotedTextsKeepTheirEscapes) {
  EXPECT_EQ(json("event=x name=" + quoted_text("a\"b\\ event=y\n\xff")),
            ",\"event\":\"x\",\"name\":\"a\\\"b\\\\ event=y\\u000a\xef\xbf\xbd\"");
}

TEST(LogRecord, AMessageOfAnotherFormIsOneMember) {
  for (std::string_view message :
       {"plain words", "event=x and words", "=x", "event", "event=x ", "event=x  y=z",
        "event=\"open", "event=\"a\"b", "Event=x", "a=\"\\\""})
    EXPECT_EQ(json(message), ",\"message\":" + quoted_text(message)) << message;
}

TEST(LogRecord, FormatsByName) {
  EXPECT_EQ(log_format("text"), LogFormat::text);
  EXPECT_EQ(log_format("json"), LogFormat::json);
  EXPECT_EQ(log_format("journal"), LogFormat::journal);
  for (std::string_view word : kLogFormats) EXPECT_TRUE(log_format(word)) << word;
  for (std::string_view word : {"", "JSON", "xml", "text "}) EXPECT_FALSE(log_format(word)) << word;
}

TEST(LogRecord, AutoIsTheJournalOnlyWhereStandardErrorIsTheJournals) {
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_EQ(log_format("auto"), LogFormat::text);
  struct stat own {};
  ASSERT_EQ(::fstat(STDERR_FILENO, &own), 0);
  const std::string stream = std::to_string(own.st_dev) + ":" + std::to_string(own.st_ino);
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  EXPECT_EQ(log_format("auto"), LogFormat::journal);
  ::setenv("JOURNAL_STREAM", (stream + "0").c_str(), 1);
  EXPECT_EQ(log_format("auto"), LogFormat::text) << "redirected since";
  ::unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace nae
