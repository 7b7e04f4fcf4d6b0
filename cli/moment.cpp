#include "cli/moment.hpp"

#include <charconv>
#include <chrono>
#include <ctime>
#include <optional>
#include <set>
#include <utility>

#include "keyserver/admin/api/time.hpp"
#include "libnae/base/clock.hpp"

namespace nae::cli {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kPast9999 = 253'402'300'800;  // 10000-01-01T00:00:00Z
constexpr std::size_t kMostDigits = 9;               // of a count: no product below overflows
constexpr std::size_t kMostFraction = 6;
constexpr int kMostOffsetHours = 15;

tl::unexpected<Error> refused(std::string_view text, const std::string& why) {
  return fail(Code::invalid_argument, "\"" + std::string(text) + "\" " + why,
              std::string("Write ") + kMomentForms + ".");
}

// Takes exactly `digits` digits.
bool take_number(std::string_view& text, std::size_t digits, int& out) {
  if (text.size() < digits) return false;
  for (char c : text.substr(0, digits))
    if (c < '0' || c > '9') return false;
  std::from_chars(text.data(), text.data() + digits, out);
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, std::string_view wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(wanted.size());
  return true;
}

std::string lower(std::string_view text) {
  std::string lowered;
  for (char c : text) lowered += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lowered;
}

// Seconds that the clock on the wall is ahead of UTC at this moment.
std::int64_t offset_at(std::int64_t unix_s) {
  const std::time_t moment = unix_s;
  std::tm parts{};
  return ::localtime_r(&moment, &parts) ? parts.tm_gmtoff : 0;
}

// The moments at which a clock on the wall shows `wall_s`, as if that were UTC: none, one or two.
std::set<std::int64_t> moments_of(std::int64_t wall_s) {
  std::set<std::int64_t> moments;
  for (std::int64_t near : {wall_s - kDaySeconds, wall_s, wall_s + kDaySeconds}) {
    const std::int64_t moment = wall_s - offset_at(near);
    if (moment + offset_at(moment) == wall_s) moments.insert(moment);
  }
  return moments;
}

// Of a wall time that nobody spelled out: the first moment, or where there is none the one that
// the hands reach by going on.
std::int64_t first_moment_of(std::int64_t wall_s) {
  const std::set<std::int64_t> moments = moments_of(wall_s);
  return moments.empty() ? wall_s - offset_at(wall_s - kDaySeconds) : *moments.begin();
}

std::int64_t midnight_of(std::int64_t wall_s) {
  return wall_s - (wall_s % kDaySeconds + kDaySeconds) % kDaySeconds;
}

struct Unit {
  std::string_view name;
  std::int64_t seconds;
};
constexpr Unit kUnits[] = {
    {"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", kDaySeconds}, {"week", 7 * kDaySeconds}};

// "2 days": how many seconds, and whether they are counted on the wall.
std::optional<std::pair<std::int64_t, bool>> span_of(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0 || digits > kMostDigits) return std::nullopt;
  int count = 0;
  take_number(text, digits, count);
  if (!take(text, " ")) return std::nullopt;
  for (const Unit& unit : kUnits)
    if (text == unit.name || (text.ends_with('s') && text.substr(0, text.size() - 1) == unit.name))
      return std::pair{count * unit.seconds, unit.seconds >= kDaySeconds};
  return std::nullopt;
}

// "now", "yesterday", "1 hour ago", "in 2 days"; nothing when it is none of these.
std::optional<std::int64_t> relative_s(std::string_view text, std::int64_t now_s) {
  const std::int64_t wall_s = now_s + offset_at(now_s);
  if (text == "now") return now_s;
  constexpr std::pair<std::string_view, int> kDays[] = {
      {"yesterday", -1}, {"today", 0}, {"tomorrow", 1}};
  for (const auto& [word, days] : kDays)
    if (text == word) return first_moment_of(midnight_of(wall_s) + days * kDaySeconds);
  const bool ahead = take(text, "in ");
  if (!ahead) {
    if (!text.ends_with(" ago")) return std::nullopt;
    text.remove_suffix(4);
  }
  const auto span = span_of(text);
  if (!span) return std::nullopt;
  const std::int64_t seconds = ahead ? span->first : -span->first;
  return span->second ? first_moment_of(wall_s + seconds) : now_s + seconds;
}

struct Written {
  std::int64_t wall_s = 0, fraction_us = 0;
  bool has_time = false;
  std::optional<std::int64_t> offset_s;
};

// " 14:00", "T14:00:05.25"
bool take_time(std::string_view& text, Written& written) {
  int hour = 0, minute = 0, second = 0;
  if (!take_number(text, 2, hour) || !take(text, ":") || !take_number(text, 2, minute))
    return false;
  if (take(text, ":")) {
    if (!take_number(text, 2, second)) return false;
    if (take(text, ".")) {
      std::size_t digits = 0;
      while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
      int fraction = 0;
      if (digits == 0 || digits > kMostFraction || !take_number(text, digits, fraction))
        return false;
      for (; digits < kMostFraction; ++digits) fraction *= 10;
      written.fraction_us = fraction;
    }
  }
  written.wall_s += hour * 3600 + minute * 60 + second;
  written.has_time = true;
  return hour <= 23 && minute <= 59 && second <= 59;
}

// "Z", "+01:00", "-0330", "+01", and nothing behind it.
bool take_offset(std::string_view& text, Written& written) {
  if (text == "Z" || text == "z") {
    written.offset_s = 0;
    return true;
  }
  const bool behind = text.starts_with('-');
  if (!take(text, "+") && !take(text, "-")) return false;
  int hours = 0, minutes = 0;
  if (!take_number(text, 2, hours)) return false;
  take(text, ":");
  if (!text.empty() && !take_number(text, 2, minutes)) return false;
  if (!text.empty() || hours > kMostOffsetHours || minutes > 59) return false;
  const std::int64_t offset = hours * 3600 + minutes * 60;
  written.offset_s = behind ? -offset : offset;
  return true;
}

std::optional<Written> written_in(std::string_view text) {
  using namespace std::chrono;
  int y = 0, m = 0, d = 0;
  if (!take_number(text, 4, y) || !take(text, "-") || !take_number(text, 2, m) ||
      !take(text, "-") || !take_number(text, 2, d))
    return std::nullopt;
  const year_month_day date{year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d))};
  if (!date.ok()) return std::nullopt;
  Written written;
  written.wall_s = sys_days(date).time_since_epoch().count() * kDaySeconds;
  if (text.empty()) return written;
  if ((!take(text, " ") && !take(text, "T") && !take(text, "t")) || !take_time(text, written))
    return std::nullopt;
  if (text.empty()) return written;
  take(text, " ");
  return take_offset(text, written) ? std::optional(written) : std::nullopt;
}

Result<std::int64_t> in_range(std::string_view text, std::int64_t moment_s,
                              std::int64_t fraction_us) {
  if (moment_s < 0 || moment_s >= kPast9999)
    return refused(text, "is not within the years 1970 to 9999");
  return moment_s * kSecondUs + fraction_us;
}

}  // namespace

Result<std::int64_t> parse_moment(std::string_view text, std::int64_t now_us) {
  ::tzset();
  if (const auto moment = relative_s(lower(text), now_us / kSecondUs))
    return in_range(text, *moment, 0);
  const auto written = written_in(text);
  if (!written) return refused(text, "is not a time");
  if (written->offset_s)
    return in_range(text, written->wall_s - *written->offset_s, written->fraction_us);
  if (!written->has_time) return in_range(text, first_moment_of(written->wall_s), 0);
  const std::set<std::int64_t> moments = moments_of(written->wall_s);
  if (moments.empty()) return refused(text, "is skipped by a change of the clocks");
  if (moments.size() > 1)
    return refused(text, "comes twice, at a change of the clocks: say the offset from UTC");
  return in_range(text, *moments.begin(), written->fraction_us);
}

Result<std::string> utc_of(const std::string& text) {
  if (text.empty()) return text;
  NAE_ASSIGN(const std::int64_t moment_us, parse_moment(text, unix_time_us()));
  return admin::api::format_time(moment_us);
}

}  // namespace nae::cli
