// `nae-keyserver move-store`: from SQLite's file into a PostgreSQL.
#pragma once

#include <string>

#include "keyserver/config/config.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

// For a server that is stopped. Verifies the ledger from its first change on, moves everything or
// nothing (setup::move_store()), and gives the file another name: two servers must not go on from
// one store. Answers what is to be said of it. Codes as verify_store(), read_target() and
// setup::move_store().
Result<std::string> move_store(const config::Config& config, const std::string& url);

}  // namespace nae::server
