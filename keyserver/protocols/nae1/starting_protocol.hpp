// What an agent hears from a key server that waits to start: one error, then the end of the
// connection. The agent asks other servers meanwhile and comes back.
#pragma once

#include <functional>

#include "libnae/base/result.hpp"
#include "net/protocol.hpp"

namespace nae::nae1 {

// `failure` is asked at each connection, on its thread.
net::ProtocolFactory starting_protocol(std::function<Error()> failure);

}  // namespace nae::nae1
