// When a rule holds: days of the week and hours of local time, and a first and last moment.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyserver/policy/time_zone.hpp"
#include "keyserver/policy/verdict.hpp"
#include "libnae/base/result.hpp"

namespace nae::policy {

// Minutes of a day; `end` before or at `begin` is on the next day. The end is not part of it.
struct Hours {
  unsigned begin_minute = 0;
  unsigned end_minute = 0;
  friend bool operator==(const Hours&, const Hours&) = default;
};

// "08:00-18:00"; over midnight "22:00-06:00"; a whole day "00:00-24:00".
Result<Hours> parse_hours(std::string_view text);
// "mon" to "sun": 0 to 6.
Result<unsigned> parse_weekday(std::string_view text);

// The minutes of a week in which something holds. Hours over midnight belong to the day on which
// they begin.
class Week {
 public:
  // Days 0 (Monday) to 6; an empty list of days is all of them, an empty one of hours a whole day.
  Week(const std::vector<unsigned>& weekdays, const std::vector<Hours>& hours);

  bool holds(std::int64_t second_of_week) const;
  bool always() const { return minutes_.all(); }
  // Until the next minute that differs; a week when there is none.
  std::int64_t seconds_to_change(std::int64_t second_of_week) const;

 private:
  static constexpr unsigned kMinutesPerDay = 24 * 60, kMinutes = 7 * kMinutesPerDay;
  void mark(unsigned begin, unsigned end);  // end may lie in the week that follows
  std::bitset<kMinutes> minutes_;
  std::vector<std::uint16_t> changes_;  // minutes that differ from the one before; ascending
};

struct Weekly {
  Week week;
  TimeZone zone;
  std::string text;  // for people: "mon, tue 08:00-18:00 Europe/Berlin"
};

struct Schedule {
  std::optional<Weekly> weekly;
  std::optional<std::int64_t> not_before_us;  // Unix time; holds at this moment
  std::optional<std::int64_t> not_after_us;   // still holds at this moment (as in RFC 5280)

  bool always() const { return !weekly && !not_before_us && !not_after_us; }
  bool holds_weekly(std::int64_t now_us) const;
  bool holds_period(std::int64_t now_us) const;
  bool holds(std::int64_t now_us) const { return holds_period(now_us) && holds_weekly(now_us); }

  // The first moment after `now_us` at which holds() answers something else, or kForever. Never
  // later than that; earlier only when clocks change often and to no effect.
  std::int64_t changes_at(std::int64_t now_us) const;
  // Whether there is a moment, from 1970 on, at which it holds.
  bool can_hold() const;
};

// "2026-01-31T23:59:59Z", for people.
std::string utc_text(std::int64_t time_us);

}  // namespace nae::policy
