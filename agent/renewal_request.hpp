// One call that asks a key server for this host's next certificate: HTTP/1.1 on a connection of its
// own, by the certificate that the host has.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "libnae/base/result.hpp"
#include "net/connector.hpp"

namespace nae::agent {

// Calls `done` once, on `loop`: the certificate (PEM), as it was answered and not looked at yet, or
// why there is none, in the server's words where it answered. ConnectAttempt::cancel(): nothing is
// called any more. `context` offers kAlpnHttp; `timeout` bounds handshake and answer each.
using OnRenewalAnswer = std::function<void(Result<std::string> certificate_pem)>;
std::shared_ptr<net::ConnectAttempt> request_renewal(
    boost::asio::io_context& loop, net::TlsContext context, const net::Endpoint& server,
    std::chrono::milliseconds timeout, const std::string& request_pem, OnRenewalAnswer done);

}  // namespace nae::agent
