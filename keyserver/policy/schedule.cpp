#include "keyserver/policy/schedule.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>

namespace nae::policy {
namespace {

constexpr std::string_view kWeekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::int64_t kMicroseconds = 1'000'000, kMinuteSeconds = 60, kDaySeconds = 86'400;
constexpr std::int64_t kWeekSeconds = 7 * kDaySeconds;
constexpr std::int64_t kFirstMonday = 4 * kDaySeconds;  // 1970-01-05
// A change of clocks may fall where it changes nothing, at most a few times a year.
constexpr int kMaxClockChanges = 64;

std::int64_t floor_seconds(std::int64_t time_us) {
  return time_us / kMicroseconds - (time_us % kMicroseconds < 0 ? 1 : 0);
}

std::int64_t second_of_week(const Weekly& weekly, std::int64_t time_s) {
  std::int64_t local_s = time_s + weekly.zone.offset_at(time_s).seconds - kFirstMonday;
  return (local_s % kWeekSeconds + kWeekSeconds) % kWeekSeconds;
}

bool holds_at(const Weekly& weekly, std::int64_t time_s) {
  return weekly.week.holds(second_of_week(weekly, time_s));
}

// Between two changes of clocks local time runs evenly, so the week says where the next edge is.
std::int64_t weekly_change_after(const Weekly& weekly, std::int64_t time_s) {
  bool held = holds_at(weekly, time_s);
  for (int i = 0; i < kMaxClockChanges; ++i) {
    std::int64_t edge_s = time_s + weekly.week.seconds_to_change(second_of_week(weekly, time_s));
    time_s = std::min(edge_s, weekly.zone.offset_at(time_s).ends_at_s);
    if (holds_at(weekly, time_s) != held) break;
  }
  return time_s;
}

// "08:30", at most 24:00.
std::optional<unsigned> minute_of_day(std::string_view text) {
  auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return std::nullopt;
  unsigned hour = static_cast<unsigned>((text[0] - '0') * 10 + (text[1] - '0'));
  unsigned minute = static_cast<unsigned>((text[3] - '0') * 10 + (text[4] - '0'));
  if (minute > 59 || hour * 60 + minute > 24 * 60) return std::nullopt;
  return hour * 60 + minute;
}

}  // namespace

Result<Hours> parse_hours(std::string_view text) {
  if (text.size() == 11 && text[5] == '-') {
    auto begin = minute_of_day(text.substr(0, 5)), end = minute_of_day(text.substr(6));
    if (begin && end && *begin != *end && *begin < 24 * 60) return Hours{*begin, *end};
  }
  return fail(Code::policy_invalid,
              "\"" + std::string(text) + "\" are no hours; write \"08:00-18:00\"");
}

Result<unsigned> parse_weekday(std::string_view text) {
  const auto* found = std::ranges::find(kWeekdays, text);
  if (found == std::end(kWeekdays))
    return fail(Code::policy_invalid, "\"" + std::string(text) +
                                          "\" is no weekday; they are mon, tue, wed, thu, fri, sat "
                                          "and sun");
  return static_cast<unsigned>(found - kWeekdays);
}

Week::Week(const std::vector<unsigned>& weekdays, const std::vector<Hours>& hours) {
  for (unsigned day = 0; day < std::size(kWeekdays); ++day) {
    if (!weekdays.empty() && std::ranges::find(weekdays, day) == weekdays.end()) continue;
    unsigned midnight = day * kMinutesPerDay;
    if (hours.empty()) mark(midnight, midnight + kMinutesPerDay);
    for (const Hours& span : hours) {
      bool is_over_midnight = span.end_minute <= span.begin_minute;
      mark(midnight + span.begin_minute,
           midnight + span.end_minute + (is_over_midnight ? kMinutesPerDay : 0));
    }
  }
  for (unsigned minute = 0; minute < kMinutes; ++minute)
    if (minutes_.test(minute) != minutes_.test((minute + kMinutes - 1) % kMinutes))
      changes_.push_back(static_cast<std::uint16_t>(minute));
}

void Week::mark(unsigned begin, unsigned end) {
  for (unsigned minute = begin; minute < end; ++minute) minutes_.set(minute % kMinutes);
}

bool Week::holds(std::int64_t second_of_week) const {
  return minutes_.test(static_cast<std::size_t>(second_of_week / 60));
}

std::int64_t Week::seconds_to_change(std::int64_t second_of_week) const {
  if (changes_.empty()) return kWeekSeconds;
  auto next = std::ranges::upper_bound(changes_, second_of_week / 60);
  return next != changes_.end() ? *next * kMinuteSeconds - second_of_week
                                : kWeekSeconds + changes_.front() * kMinuteSeconds - second_of_week;
}

bool Schedule::holds_weekly(std::int64_t now_us) const {
  return !weekly || holds_at(*weekly, floor_seconds(now_us));
}

bool Schedule::holds_period(std::int64_t now_us) const {
  return (!not_before_us || now_us >= *not_before_us) && (!not_after_us || now_us <= *not_after_us);
}

std::int64_t Schedule::changes_at(std::int64_t now_us) const {
  if (not_after_us && now_us > *not_after_us) return kForever;
  if (not_before_us && now_us < *not_before_us) {
    // At its beginning it may be out of its hours: nothing changes before both hold.
    std::int64_t begin_us = *not_before_us;
    return holds(begin_us) ? begin_us : changes_at(begin_us);
  }
  std::int64_t change_us =
      weekly ? weekly_change_after(*weekly, floor_seconds(now_us)) * kMicroseconds : kForever;
  if (not_after_us && change_us > *not_after_us)
    return holds_weekly(now_us) ? *not_after_us + 1 : kForever;
  return change_us;
}

bool Schedule::can_hold() const {
  if (not_before_us && not_after_us && *not_before_us > *not_after_us) return false;
  if (!weekly || !not_after_us) return true;  // some week comes
  std::int64_t begin_us = not_before_us.value_or(0);
  return holds(begin_us) || changes_at(begin_us) != kForever;
}

std::string utc_text(std::int64_t time_us) {
  using namespace std::chrono;
  sys_seconds time{seconds(floor_seconds(time_us))};
  year_month_day day{floor<days>(time)};
  hh_mm_ss hour{time - floor<days>(time)};
  char text[64];
  const int length = std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", int{day.year()}, unsigned{day.month()},
      unsigned{day.day()}, static_cast<int>(hour.hours().count()),
      static_cast<int>(hour.minutes().count()), static_cast<int>(hour.seconds().count()));
  return {text, static_cast<std::size_t>(length)};
}

}  // namespace nae::policy
