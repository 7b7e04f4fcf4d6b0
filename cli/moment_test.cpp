#include "cli/moment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "keyserver/admin/api/time.hpp"

namespace nae::cli {
namespace {

class MomentTest : public testing::Test {
 protected:
  // By rule, as POSIX has it: the clocks go on at 2 on the last Sunday of March, back at 3 of
  // October. The test needs no data of time zones.
  void SetUp() override { ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1); }
  void TearDown() override { ::unsetenv("TZ"); }

  // In UTC, or "refused".
  static std::string read(std::string_view text, std::string_view now = "2026-11-29T17:20:30Z") {
    const auto moment = parse_moment(text, admin::api::parse_time(now).value());
    if (!moment) {
      EXPECT_EQ(moment.error().code, Code::invalid_argument);
      EXPECT_THAT(moment.error().hint, testing::HasSubstr("in 2 days"));
      return "refused";
    }
    std::string utc = admin::api::format_time(*moment);
    const std::size_t zeros = utc.find(".000000Z");
    return zeros == std::string::npos ? utc : utc.substr(0, zeros) + "Z";
  }
};

TEST_F(MomentTest, DaysAndTimesAreLocal) {
  EXPECT_EQ(read("2026-12-01"), "2026-11-30T23:00:00Z");
  EXPECT_EQ(read("2026-12-01 14:00"), "2026-12-01T13:00:00Z");
  EXPECT_EQ(read("2026-07-01T14:00:05"), "2026-07-01T12:00:05Z");
  EXPECT_EQ(read("2028-02-29 00:00"), "2028-02-28T23:00:00Z");
}

TEST_F(MomentTest, AnOffsetSaysOtherwise) {
  EXPECT_EQ(read("2026-12-01T14:00:00Z"), "2026-12-01T14:00:00Z");
  EXPECT_EQ(read("2026-12-01 14:00z"), "2026-12-01T14:00:00Z");
  EXPECT_EQ(read("2026-12-01 14:00 +05:30"), "2026-12-01T08:30:00Z");
  EXPECT_EQ(read("2026-12-01 14:00-0330"), "2026-12-01T17:30:00Z");
  EXPECT_EQ(read("2026-12-01 14:00+02"), "2026-12-01T12:00:00Z");
  EXPECT_EQ(read("2026-12-01T14:00:00.25Z"), "2026-12-01T14:00:00.250000Z");
  EXPECT_EQ(read("2026-12-01T14:00:00.000001Z"), "2026-12-01T14:00:00.000001Z");
}

TEST_F(MomentTest, WordsCountFromNow) {
  EXPECT_EQ(read("now"), "2026-11-29T17:20:30Z");
  EXPECT_EQ(read("1 hour ago"), "2026-11-29T16:20:30Z");
  EXPECT_EQ(read("90 Minutes Ago"), "2026-11-29T15:50:30Z");
  EXPECT_EQ(read("in 2 days"), "2026-12-01T17:20:30Z");
  EXPECT_EQ(read("in 1 week"), "2026-12-06T17:20:30Z");
  EXPECT_EQ(read("0 seconds ago"), "2026-11-29T17:20:30Z");
  EXPECT_EQ(read("today"), "2026-11-28T23:00:00Z");
  EXPECT_EQ(read("yesterday"), "2026-11-27T23:00:00Z");
  EXPECT_EQ(read("tomorrow"), "2026-11-29T23:00:00Z");
  // Already the next day here.
  EXPECT_EQ(read("today", "2026-11-29T23:30:00Z"), "2026-11-29T23:00:00Z");
}

TEST_F(MomentTest, ADayIsADayWhereTheClocksChange) {
  // 25 October 2026 has 25 hours, 29 March 23.
  EXPECT_EQ(read("1 day ago", "2026-10-25T12:00:00Z"), "2026-10-24T11:00:00Z");
  EXPECT_EQ(read("24 hours ago", "2026-10-25T12:00:00Z"), "2026-10-24T12:00:00Z");
  EXPECT_EQ(read("in 1 day", "2026-03-28T12:00:00Z"), "2026-03-29T11:00:00Z");
  EXPECT_EQ(read("yesterday", "2026-10-26T10:00:00Z"), "2026-10-24T22:00:00Z");
  EXPECT_EQ(read("today", "2026-03-29T10:00:00Z"), "2026-03-28T23:00:00Z");
  // A day after 02:30 there is no 02:30: the hands go on to 03:30.
  EXPECT_EQ(read("in 1 day", "2026-03-28T01:30:00Z"), "2026-03-29T01:30:00Z");
  // A day after 02:30 there are two: the first.
  EXPECT_EQ(read("in 1 day", "2026-10-24T00:30:00Z"), "2026-10-25T00:30:00Z");
}

TEST_F(MomentTest, AWrittenTimeThatIsNoneOrTwoIsRefused) {
  EXPECT_EQ(read("2026-03-29 01:59:59"), "2026-03-29T00:59:59Z");
  EXPECT_EQ(read("2026-03-29 02:00"), "refused");
  EXPECT_EQ(read("2026-03-29 02:59:59"), "refused");
  EXPECT_EQ(read("2026-03-29 03:00"), "2026-03-29T01:00:00Z");
  EXPECT_EQ(read("2026-10-25 01:59:59"), "2026-10-24T23:59:59Z");
  EXPECT_EQ(read("2026-10-25 02:00"), "refused");
  EXPECT_EQ(read("2026-10-25 02:59:59"), "refused");
  EXPECT_EQ(read("2026-10-25 03:00"), "2026-10-25T02:00:00Z");
  EXPECT_EQ(read("2026-10-25 02:30 +02:00"), "2026-10-25T00:30:00Z");
  EXPECT_EQ(read("2026-10-25 02:30 +01:00"), "2026-10-25T01:30:00Z");
}

TEST_F(MomentTest, AMidnightThatIsSkippedIsTheFirstMomentOfItsDay) {
  ::setenv("TZ", "<-04>4<-03>,M9.1.0/0,M4.1.0/0", 1);  // from 00:00 to 01:00 on 6 September 2026
  EXPECT_EQ(read("2026-09-06"), "2026-09-06T04:00:00Z");
  EXPECT_EQ(read("2026-09-06 00:00"), "refused");
}

TEST_F(MomentTest, HasBounds) {
  EXPECT_EQ(read("1970-01-01 01:00"), "1970-01-01T00:00:00Z");
  EXPECT_EQ(read("1970-01-01 00:59:59"), "refused");
  EXPECT_EQ(read("1970-01-01"), "refused");  // begins before 1970 here
  EXPECT_EQ(read("9999-12-31T23:59:59Z"), "9999-12-31T23:59:59Z");
  EXPECT_EQ(read("9999-12-31T23:59:59-00:01"), "refused");
  EXPECT_EQ(read("0000-01-01Z"), "refused");
  EXPECT_EQ(read("999999999 weeks ago"), "refused");
  EXPECT_EQ(read("in 999999999 weeks"), "refused");
  EXPECT_EQ(read("in 999999999 seconds"), "2058-08-07T19:07:09Z");
  EXPECT_EQ(read("in 1000000000 seconds"), "refused");  // more digits than are counted with
  EXPECT_EQ(read("in 99999999999999999999999 days"), "refused");
}

TEST_F(MomentTest, WhatIsNoTimeIsRefused) {
  for (const char* text : {"",
                           " ",
                           "soon",
                           "1 hour",
                           "ago",
                           "in",
                           "in days",
                           "hour ago",
                           "-1 hours ago",
                           "1.5 hours ago",
                           "in 1 day ago",
                           "in  1 day",
                           "1 fortnight ago",
                           "1 month ago",
                           "2026",
                           "2026-12",
                           "2026-13-01",
                           "2026-02-29",
                           "2026-12-32",
                           "26-12-01",
                           "+2026-12-01",
                           "2026-12-01 ",
                           "2026-12-01 24:00",
                           "2026-12-01 14:60",
                           "2026-12-01 14:00:60",
                           "2026-12-01 14",
                           "2026-12-01 1:00",
                           "2026-12-01 14:00:00.",
                           "2026-12-01 14:00:00.1234567",
                           "2026-12-01 14:00 CET",
                           "2026-12-01 14:00+",
                           "2026-12-01 14:00+1",
                           "2026-12-01 14:00+16:00",
                           "2026-12-01 14:00+01:60",
                           "2026-12-01 14:00ZZ",
                           "2026-12-01Z",
                           "01.12.2026",
                           "2026-12-01 14:00+01:00x",
                           "1764436800"})
    EXPECT_EQ(read(text), "refused") << '"' << text << '"';
}

TEST_F(MomentTest, AnOptionThatWasNotGivenStaysSo) {
  EXPECT_EQ(utc_of("").value(), "");
  EXPECT_EQ(utc_of("2026-12-01").value(), "2026-11-30T23:00:00.000000Z");
  EXPECT_FALSE(utc_of("never"));
}

}  // namespace
}  // namespace nae::cli
