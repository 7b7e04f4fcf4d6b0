// The store that the configuration names. Which engine keeps it is known here alone, and in backup
// and setup, which are about its file.
#pragma once

#include <memory>

#include "keyserver/config/config.hpp"
#include "keyserver/store/store.hpp"

namespace nae::server {

// Codes as store::sqlite::Store::open().
Result<std::unique_ptr<store::Store>> open_store(const config::Config& config);

}  // namespace nae::server
