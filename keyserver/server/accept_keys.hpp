// `nae-keyserver accept-keys`: takes rows of the store that the HSM has not bound, such as those of
// a backup that an older server made, for what they say. docs/spec/keys.md, "Binding".
#pragma once

#include <string>

#include "keyserver/config/config.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

// The server is stopped. The audit log has the record before a row is bound. Answers the record.
// Code::invalid_argument for what setup::check_reason() refuses; Code::conflict when a server runs
// or nothing is unbound.
Result<std::string> accept_keys(const config::Config& config, const std::string& reason);

}  // namespace nae::server
