// Points in time as the interface writes them: RFC 3339 in UTC.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::admin::api {

// Microseconds of Unix time as "2025-01-31T23:59:59.000001Z".
inline constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;

std::string format_time(std::int64_t time_us);

// "2025-01-31T23:59:59Z", with at most six decimals of a second, or a day: "2025-01-31". Only Z:
// an auditor's local time zone must not move a question. Code::invalid_argument otherwise.
Result<std::int64_t> parse_time(std::string_view text);

}  // namespace nae::admin::api
