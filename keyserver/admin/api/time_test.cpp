#include "keyserver/admin/api/time.hpp"

#include <gtest/gtest.h>

namespace nae::admin::api {
namespace {

TEST(TimeTest, ReadsWhatItWrites) {
  for (std::int64_t time_us : {0LL, 1'738'367'999'000'001LL, 4'102'444'800'000'000LL})
    EXPECT_EQ(parse_time(format_time(time_us)).value(), time_us);
}

TEST(TimeTest, ShorterFormsCount) {
  EXPECT_EQ(parse_time("1970-01-02").value(), 86'400'000'000);
  EXPECT_EQ(parse_time("1970-01-01T00:00:01Z").value(), 1'000'000);
  EXPECT_EQ(parse_time("1970-01-01T00:00:01.5Z").value(), 1'500'000);
}

TEST(TimeTest, OthersAreRefused) {
  for (std::string_view text :
       {"", "yesterday", "2025-02-30", "2025-13-01", "1969-12-31", "2025-01-31T24:00:00Z",
        "2025-01-31T23:60:00Z", "2025-01-31T23:59:60Z", "2025-01-31T23:59:59",
        "2025-01-31T23:59:59+01:00", "2025-01-31 23:59:59Z", "2025-01-31T23:59:59.Z",
        "2025-01-31T23:59:59.1234567Z", "2025-01-31T23:59:59,5Z", "2025-01-31T23:59:59Zx",
        "2025--1-31", "2025-01-31T-1:00:00Z", "20250131"})
    EXPECT_FALSE(parse_time(text)) << text;
}

}  // namespace
}  // namespace nae::admin::api
