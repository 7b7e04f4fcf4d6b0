// Time zones of the operating system's database (package tzdata).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libnae/base/result.hpp"

namespace date {
class time_zone;
}

namespace nae::policy {

// A value that many threads may use.
class TimeZone {
 public:
  // An IANA name, "Europe/Berlin" or "UTC". Code::policy_invalid for one that this host's database
  // does not know.
  static Result<TimeZone> find(std::string_view name);

  // What local clocks show: Unix time plus this, until `ends_at_s`.
  struct Offset {
    std::int64_t seconds = 0;
    std::int64_t ends_at_s = 0;
  };
  Offset offset_at(std::int64_t unix_time_s) const;
  std::string name() const;

 private:
  explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}
  const date::time_zone* zone_;  // of the database, which lives as long as the process
};

}  // namespace nae::policy
