// Keys that stay on the token of another key server of the group: docs/spec/group.md.
#pragma once

#include <string>
#include <vector>

#include "keyserver/keys/key_ring.hpp"

namespace nae::server {

// The versions that are served elsewhere alone; a line of the log each.
Result<void> name_keys_elsewhere(const keys::KeyRing& ring, std::vector<std::string>& versions);

}  // namespace nae::server
