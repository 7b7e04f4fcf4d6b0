// Times for people: of this machine's zone, to the minute. JSON has them in UTC, as the server
// wrote them.
#pragma once

#include <string>
#include <string_view>

namespace nae::cli {

enum class Precision { minutes, seconds };

// "2026-11-29 18:20" of "2026-11-29T17:20:00Z"; a text that is no time stays as it is.
std::string local_time(std::string_view utc, Precision precision = Precision::minutes);
// The same with its zone: "2026-11-29 18:20 CET".
std::string local_time_with_zone(std::string_view utc);

// Title of a column of such times: "CREATED (CET/CEST)".
std::string zoned(std::string_view title);

}  // namespace nae::cli
