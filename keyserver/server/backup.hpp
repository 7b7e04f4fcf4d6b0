// `nae-keyserver backup`: the store of a server that may run, and a manifest of what belongs to it.
#pragma once

#include <filesystem>

#include "keyserver/config/config.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

struct Backup {
  std::size_t keys = 0, versions = 0;
  std::filesystem::path manifest;
  std::filesystem::path custody;  // the copy of custody.nae; empty: the group is in nobody's
};

// Writes the store to `out` (store::sqlite::back_up()) and OUT.manifest beside it: SHA-256 and path
// of the copy, the configuration and the public parts of TLS, in the form that sha256sum --check
// reads. The group's custody.nae, which stands beside the store, becomes OUT.custody: it is read as
// a restore reads it, and its signature checked, or there is no backup. None of them overwrites
// anything, and a failure leaves none. Secrets, the token, PIN and TLS
// key, are named and not copied: they are kept apart.
Result<Backup> back_up(const std::filesystem::path& config_file, const config::Config& config,
                       const std::filesystem::path& out);

}  // namespace nae::server
