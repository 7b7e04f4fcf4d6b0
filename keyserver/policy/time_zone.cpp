#include "keyserver/policy/time_zone.hpp"

#include <date/tz.h>

#include <exception>

namespace nae::policy {

// The library reads the database once and each zone once, both behind a lock of its own.
Result<TimeZone> TimeZone::find(std::string_view name) {
  // The database's name for the host's own zone: it would differ from server to server.
  if (name == "localtime") return fail(Code::policy_invalid, "\"localtime\" names no time zone");
  try {
    const date::time_zone* zone = date::locate_zone(std::string(name));
    zone->get_info(date::sys_seconds{});  // reads its file, which may be broken
    return TimeZone(zone);
  } catch (const std::exception&) {
    return fail(Code::policy_invalid,
                "this host's time zone database has no \"" + std::string(name) + "\"",
                "Write an IANA name such as \"Europe/Berlin\" or \"UTC\"; the package tzdata holds "
                "the database.");
  }
}

TimeZone::Offset TimeZone::offset_at(std::int64_t unix_time_s) const {
  date::sys_info info = zone_->get_info(date::sys_seconds(std::chrono::seconds(unix_time_s)));
  return {info.offset.count(), info.end.time_since_epoch().count()};
}

std::string TimeZone::name() const {
  return zone_->name();
}

}  // namespace nae::policy
