// The custody file of this server's group.
#pragma once

#include "keyserver/config/config.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::server {

// Reads a custody file and proves that it is of this server's group: by the copy of the audit log's
// public key, without the HSM. Code::conflict for another group's, Code::file_failed where the
// file or the key is missing.
Result<custody::CustodySet> own_custody(const config::Config& config,
                                        const std::filesystem::path& file);

}  // namespace nae::server
