#include "keyserver/admin/api/time.hpp"

#include <charconv>
#include <chrono>

#include "keyserver/audit/encode.hpp"

namespace nae::admin::api {
namespace {

// Takes `digits` digits and the character after them, if any is asked for.
bool take(std::string_view& text, std::size_t digits, char after, int& out) {
  if (text.size() < digits) return false;
  const char* end = text.data() + digits;
  if (text.front() == '-') return false;  // from_chars would take a sign
  if (auto [at, error] = std::from_chars(text.data(), end, out); error != std::errc{} || at != end)
    return false;
  text.remove_prefix(digits);
  if (after == '\0') return true;
  if (text.empty() || text.front() != after) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string format_time(std::int64_t time_us) {
  std::string text;
  audit::append_time(text, time_us);
  return text;
}

Result<std::int64_t> parse_time(std::string_view whole) {
  using namespace std::chrono;
  auto refused = fail(Code::invalid_argument,
                      "\"" + std::string(whole) + "\" is not a time like 2025-01-31T23:59:59Z");
  std::string_view text = whole;
  int y = 0, m = 0, d = 0, hour = 0, minute = 0, second = 0, fraction = 0;
  if (!take(text, 4, '-', y) || !take(text, 2, '-', m) || !take(text, 2, '\0', d)) return refused;
  year_month_day day{year(y), month(static_cast<unsigned>(m)), std::chrono::day(d)};
  if (!day.ok() || y < 1970) return refused;
  if (!text.empty()) {
    if (text.front() != 'T') return refused;
    text.remove_prefix(1);
    if (!take(text, 2, ':', hour) || !take(text, 2, ':', minute) || !take(text, 2, '\0', second))
      return refused;
    if (hour > 23 || minute > 59 || second > 59 || text.empty() || text.back() != 'Z')
      return refused;
    text.remove_suffix(1);
    if (!text.empty()) {
      std::size_t digits = text.size() - 1;
      text.remove_prefix(1);
      if (whole[whole.size() - 2 - digits] != '.' || digits < 1 || digits > 6 ||
          !take(text, digits, '\0', fraction))
        return refused;
      for (; digits < 6; ++digits) fraction *= 10;
    }
  }
  auto time = sys_days(day) + hours(hour) + minutes(minute) + seconds(second);
  return duration_cast<microseconds>(time.time_since_epoch()).count() + fraction;
}

}  // namespace nae::admin::api
