// Lookups: what a caller may know about itself and the keys it may use.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keyserver/service/caller.hpp"
#include "keyserver/service/parts.hpp"

namespace nae::service {

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // each as wide as columns
};

Table whoami(Caller& caller, const Parts& parts, std::int64_t now_us);
// Keys on which policy allows at least one action that the key's type has.
Table usable_keys(Caller& caller, const Parts& parts, std::int64_t now_us);
// The ids of the same keys, which their envelopes show to anybody.
Table usable_key_ids(Caller& caller, const Parts& parts, std::int64_t now_us);

}  // namespace nae::service
