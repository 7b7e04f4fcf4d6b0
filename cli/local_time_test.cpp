#include "cli/local_time.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace nae::cli {
namespace {

class LocalTimeTest : public testing::Test {
 protected:
  // By rule, as POSIX has it: the test needs no data of time zones.
  void SetUp() override { ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1); }
  void TearDown() override { ::unsetenv("TZ"); }
};

TEST_F(LocalTimeTest, IsOfThisMachinesZone) {
  EXPECT_EQ(local_time("2026-11-29T17:20:59.999999Z"), "2026-11-29 18:20");
  EXPECT_EQ(local_time("2026-07-31T22:20:05Z"), "2026-08-01 00:20");
  EXPECT_EQ(local_time("2026-07-31T22:20:05Z", Precision::seconds), "2026-08-01 00:20:05");
  EXPECT_EQ(local_time_with_zone("2026-11-29T17:20:00Z"), "2026-11-29 18:20 CET");
  EXPECT_EQ(local_time_with_zone("2026-07-29T17:20:00Z"), "2026-07-29 19:20 CEST");
  EXPECT_EQ(zoned("CREATED"), "CREATED (CET/CEST)");
}

TEST_F(LocalTimeTest, TheHourThatComesTwiceIsToldByItsZone) {
  EXPECT_EQ(local_time_with_zone("2026-10-25T00:30:00Z"), "2026-10-25 02:30 CEST");
  EXPECT_EQ(local_time_with_zone("2026-10-25T01:30:00Z"), "2026-10-25 02:30 CET");
}

TEST_F(LocalTimeTest, WhatIsNoTimeStays) {
  EXPECT_EQ(local_time(""), "");
  EXPECT_EQ(local_time("never"), "never");
}

TEST_F(LocalTimeTest, AZoneWithoutSummerHasOneName) {
  ::setenv("TZ", "UTC", 1);
  EXPECT_EQ(zoned("TIME"), "TIME (UTC)");
}

}  // namespace
}  // namespace nae::cli
