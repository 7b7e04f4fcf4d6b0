// `nae-keyserver backup`: the store of a server that may run, and a manifest of what belongs to it.
#pragma once

#include <filesystem>

#include "keyserver/config/config.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

struct Backup {
  std::size_t keys = 0, versions = 0;
  std::filesystem::path manifest;
};

// Writes the store to `out` (store::sqlite::back_up()) and OUT.manifest beside it: SHA-256 and path
// of the copy, the configuration and the public parts of TLS, in the form that sha256sum --check
// reads. Neither overwrites anything, and a failure leaves neither. Secrets, the token, PIN and TLS
// key, are named and not copied: they are kept apart.
Result<Backup> back_up(const std::filesystem::path& config_file, const config::Config& config,
                       const std::filesystem::path& out);

}  // namespace nae::server
