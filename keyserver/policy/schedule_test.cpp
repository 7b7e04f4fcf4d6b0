#include "keyserver/policy/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

namespace nae::policy {
namespace {

std::int64_t utc(int y, unsigned m, unsigned d, int hour, int minute, int second = 0) {
  using namespace std::chrono;
  auto time =
      sys_days(year(y) / month(m) / day(d)) + hours(hour) + minutes(minute) + seconds(second);
  return duration_cast<microseconds>(time.time_since_epoch()).count();
}

Schedule weekly(std::vector<std::string_view> weekdays, std::vector<std::string_view> hours,
                std::string_view zone) {
  std::vector<unsigned> days;
  std::vector<Hours> spans;
  for (auto text : weekdays) days.push_back(*parse_weekday(text));
  for (auto text : hours) spans.push_back(*parse_hours(text));
  Schedule schedule;
  schedule.weekly = Weekly{Week(days, spans), *TimeZone::find(zone), ""};
  return schedule;
}

TEST(Hours, RefusesWhatIsNoSpan) {
  for (std::string_view text :
       {"", "08:00", "8:00-18:00", "08:00-18:0", "08:00 18:00", "08:60-18:00", "24:00-06:00",
        "08:00-24:01", "08:00-25:00", "08:00-08:00", "-8:00-18:00", "08:00-18:00 ", "aa:bb-cc:dd"})
    EXPECT_FALSE(parse_hours(text)) << text;
  EXPECT_EQ(*parse_hours("00:00-24:00"), (Hours{0, 1440}));
  EXPECT_EQ(*parse_hours("22:00-06:00"), (Hours{1320, 360}));
  EXPECT_FALSE(parse_weekday("Mon"));
  EXPECT_FALSE(parse_weekday("monday"));
}

TEST(TimeZone, RefusesWhatTheDatabaseDoesNotKnow) {
  for (std::string_view name : {"", "Berlin", "Europe/Atlantis", "../../etc/passwd", "localtime",
                                "/usr/share/zoneinfo/Europe/Berlin", "CEST"}) {
    auto zone = TimeZone::find(name);
    ASSERT_FALSE(zone) << name;
    EXPECT_EQ(zone.error().code, Code::policy_invalid);
  }
}

// Summer time in 2037 as well: a database without far transitions would move every hour.
TEST(TimeZone, KnowsTheYearsToCome) {
  auto zone = *TimeZone::find("Europe/Berlin");
  EXPECT_EQ(zone.offset_at(utc(2026, 7, 1, 0, 0) / 1'000'000).seconds, 7200);
  EXPECT_EQ(zone.offset_at(utc(2037, 7, 1, 0, 0) / 1'000'000).seconds, 7200);
  EXPECT_EQ(zone.offset_at(utc(2037, 1, 1, 0, 0) / 1'000'000).seconds, 3600);
}

TEST(Schedule, OfficeHoursFollowLocalClocks) {
  auto office = weekly({"mon", "tue", "wed", "thu", "fri"}, {"08:00-18:00"}, "Europe/Berlin");
  EXPECT_FALSE(office.holds(utc(2026, 1, 5, 6, 59, 59)));  // Monday, UTC+1
  EXPECT_TRUE(office.holds(utc(2026, 1, 5, 7, 0)));
  EXPECT_TRUE(office.holds(utc(2026, 1, 5, 16, 59, 59)));
  EXPECT_FALSE(office.holds(utc(2026, 1, 5, 17, 0)));
  EXPECT_TRUE(office.holds(utc(2026, 7, 6, 6, 0)));  // UTC+2
  EXPECT_FALSE(office.holds(utc(2026, 7, 6, 16, 0)));
  EXPECT_FALSE(office.holds(utc(2026, 1, 10, 10, 0)));  // Saturday
  EXPECT_EQ(office.changes_at(utc(2026, 1, 5, 7, 0)), utc(2026, 1, 5, 17, 0));
  EXPECT_EQ(office.changes_at(utc(2026, 3, 27, 17, 0)), utc(2026, 3, 30, 6, 0))
      << "over the change";
}

TEST(Schedule, HoursOverMidnightBelongToTheDayTheyBeginOn) {
  auto night = weekly({"fri"}, {"22:00-06:00"}, "UTC");
  EXPECT_FALSE(night.holds(utc(2026, 1, 9, 3, 0)));  // Friday morning
  EXPECT_TRUE(night.holds(utc(2026, 1, 9, 22, 0)));
  EXPECT_TRUE(night.holds(utc(2026, 1, 10, 5, 59)));
  EXPECT_FALSE(night.holds(utc(2026, 1, 10, 6, 0)));
  EXPECT_EQ(night.changes_at(utc(2026, 1, 9, 23, 0)), utc(2026, 1, 10, 6, 0));
  auto sunday = weekly({"sun"}, {"22:00-06:00"}, "UTC");
  EXPECT_TRUE(sunday.holds(utc(2026, 1, 12, 5, 0))) << "over the end of the week";
}

TEST(Schedule, TheHourThatComesTwiceCountsTwiceAndTheMissingOneNever) {
  auto hour = weekly({}, {"02:00-03:00"}, "Europe/Berlin");
  EXPECT_TRUE(hour.holds(utc(2026, 10, 25, 0, 30)));
  EXPECT_TRUE(hour.holds(utc(2026, 10, 25, 1, 30)));
  EXPECT_EQ(hour.changes_at(utc(2026, 10, 25, 0, 30)), utc(2026, 10, 25, 2, 0));
  EXPECT_FALSE(hour.holds(utc(2026, 3, 29, 0, 59)));
  EXPECT_FALSE(hour.holds(utc(2026, 3, 29, 1, 0)));
  EXPECT_EQ(hour.changes_at(utc(2026, 3, 29, 0, 0)), utc(2026, 3, 30, 0, 0));
}

TEST(Schedule, APeriodHoldsAtBothEnds) {
  Schedule schedule;
  schedule.not_before_us = 100;
  schedule.not_after_us = 200;
  EXPECT_FALSE(schedule.holds(99));
  EXPECT_TRUE(schedule.holds(100));
  EXPECT_TRUE(schedule.holds(200));
  EXPECT_FALSE(schedule.holds(201));
  EXPECT_EQ(schedule.changes_at(0), 100);
  EXPECT_EQ(schedule.changes_at(100), 201);
  EXPECT_EQ(schedule.changes_at(201), kForever);
  EXPECT_EQ(Schedule{}.changes_at(0), kForever);
}

TEST(Schedule, KnowsWhenItCanNeverHold) {
  auto mondays = weekly({"mon"}, {"08:00-09:00"}, "UTC");
  mondays.not_before_us = utc(2026, 1, 6, 0, 0);  // Tuesday
  mondays.not_after_us = utc(2026, 1, 12, 7, 59, 59);
  EXPECT_FALSE(mondays.can_hold());
  mondays.not_after_us = utc(2026, 1, 12, 8, 0);
  EXPECT_TRUE(mondays.can_hold());
}

// Minute by minute against the definition: local clock, this day or the day before.
TEST(Schedule, RandomWeeksAgreeWithTheDefinition) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<unsigned> days;
    for (unsigned day = 0; day < 7; ++day)
      if (random() % 2) days.push_back(day);
    if (days.empty()) days.push_back(0);
    Hours span{static_cast<unsigned>(random() % 1440), static_cast<unsigned>(random() % 1440)};
    if (span.begin_minute == span.end_minute) continue;
    Schedule schedule;
    schedule.weekly = Weekly{Week(days, {span}), *TimeZone::find("Europe/Berlin"), ""};
    auto has = [&](unsigned day) { return std::ranges::count(days, day % 7) != 0; };
    for (int i = 0; i < 50; ++i) {
      std::int64_t now_s = utc(2026, 1, 1, 0, 0) / 1'000'000 + random() % (364 * 86'400);
      bool summer = now_s >= utc(2026, 3, 29, 1, 0) / 1'000'000 &&
                    now_s < utc(2026, 10, 25, 1, 0) / 1'000'000;
      std::int64_t local_s = now_s + (summer ? 7200 : 3600);
      auto minute = static_cast<unsigned>(local_s % 86'400 / 60);
      auto day = static_cast<unsigned>((local_s / 86'400 + 3) % 7);  // 1970-01-01 was a Thursday
      bool holds = span.begin_minute < span.end_minute
                       ? has(day) && minute >= span.begin_minute && minute < span.end_minute
                       : (has(day) && minute >= span.begin_minute) ||
                             (has(day + 6) && minute < span.end_minute);
      ASSERT_EQ(schedule.holds(now_s * 1'000'000), holds);
    }
  }
}

}  // namespace
}  // namespace nae::policy
