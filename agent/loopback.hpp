// Where an agent may speak in clear: on its host alone.
#pragma once

#include "libnae/base/result.hpp"
#include "net/connector.hpp"

namespace nae::agent {

// Code::config_invalid unless `address` is one of 127.0.0.0/8 or ::1, as a number: a name may be
// another machine's tomorrow.
Result<void> check_loopback(const net::Endpoint& address);

}  // namespace nae::agent
