#include "keyserver/server/keys_elsewhere.hpp"

#include <spdlog/spdlog.h>

#include "libnae/base/log_text.hpp"

namespace nae::server {

Result<void> name_keys_elsewhere(const keys::KeyRing& ring, std::vector<std::string>& versions) {
  NAE_ASSIGN(versions, ring.not_on_token());
  for (const std::string& version : versions)
    spdlog::error("event=key-not-on-token message={}", quoted_text(version));
  return {};
}

}  // namespace nae::server
