// Moments as people write them, for --at, --since, --from, --to and --activate-at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::cli {

// The forms, for help texts and refusals.
inline constexpr char kMomentForms[] =
    "\"2026-12-01\", \"2026-12-01 14:00\" (this machine's time zone), with Z or +01:00 behind it, "
    "\"now\", \"today\", \"yesterday\", \"tomorrow\", \"1 hour ago\" or \"in 2 days\"";

// Microseconds of Unix time, of the years 1970 to 9999. `now_us` is what "ago" and "in" count from;
// units are seconds, minutes, hours, days and weeks, and a day leads to the same time of the next
// day, whether it has 23, 24 or 25 hours. A day by itself is its first moment. Local times are of
// the zone that TZ or the system says (tzset(3)).
// Code::invalid_argument with the forms as its hint; also for a local time that a change of the
// clocks skips or makes twice, where only an offset says which is meant.
Result<std::int64_t> parse_moment(std::string_view text, std::int64_t now_us);

// What the server is sent: the moment in UTC. An empty text, an option not given, stays empty.
Result<std::string> utc_of(const std::string& text);

}  // namespace nae::cli
