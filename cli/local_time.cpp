#include "cli/local_time.hpp"

#include <ctime>

#include "keyserver/admin/api/time.hpp"

namespace nae::cli {
namespace {

std::string formatted(std::string_view utc, const char* format) {
  const auto time_us = admin::api::parse_time(utc);
  if (!time_us) return std::string(utc);
  const std::time_t seconds = *time_us / 1'000'000;
  std::tm parts{};
  char text[64];
  ::tzset();
  if (!::localtime_r(&seconds, &parts)) return std::string(utc);
  return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

}  // namespace

std::string local_time(std::string_view utc, Precision precision) {
  return formatted(utc, precision == Precision::seconds ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M");
}

std::string local_time_with_zone(std::string_view utc) {
  return formatted(utc, "%Y-%m-%d %H:%M %Z");
}

std::string zoned(std::string_view title) {
  ::tzset();
  const std::string winter = ::tzname[0], summer = ::tzname[1];
  const bool changes = ::daylight != 0 && !summer.empty() && summer != winter;
  return std::string(title) + " (" + winter + (changes ? "/" + summer : "") + ")";
}

}  // namespace nae::cli
