// Where it is remembered what time it was when a server knew last.
#pragma once

#include <optional>

#include "keyserver/keys/trusted_time.hpp"
#include "libnae/base/result.hpp"

namespace nae::keys {

class TimeKeeper {
 public:
  virtual ~TimeKeeper() = default;

  // Nothing when none was kept yet.
  virtual Result<std::optional<KeptTime>> kept_time() = 0;
  virtual Result<void> keep_time(const KeptTime& time) = 0;
};

}  // namespace nae::keys
