// Connector: opens a TLS connection to a key server.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "libnae/base/result.hpp"
#include "net/connection.hpp"
#include "net/tls_context.hpp"

namespace nae::net {

// "host:port", "192.0.2.1:4433" or "[2001:db8::1]:4433".
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
Result<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

// Resolves, connects, verifies that the certificate is for `endpoint.host`, then makes the
// protocol. Until then errors go to `on_close` alone; it is called exactly once, at the end of the
// connection or of the attempt. Everything on `loop`; limits.handshake_timeout bounds the whole.
// cancel(), from the loop's thread, ends attempt or connection; nothing is called after it.
class ConnectAttempt {
 public:
  virtual ~ConnectAttempt() = default;
  virtual void cancel() = 0;
};
using OnAttemptClosed = std::function<void(const Error& reason)>;
std::shared_ptr<ConnectAttempt> connect_tls(boost::asio::io_context& loop, TlsContext context,
                                            const Endpoint& endpoint,
                                            const ConnectionLimits& limits,
                                            ProtocolFactory protocol, OnAttemptClosed on_close);

}  // namespace nae::net
