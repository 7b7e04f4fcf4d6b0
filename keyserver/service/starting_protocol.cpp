#include "keyserver/service/starting_protocol.hpp"

#include <chrono>

#include "libnae/wire/error_message.hpp"

namespace nae::service {
namespace {

constexpr std::chrono::milliseconds kHelloTimeout{10'000};
constexpr std::uint32_t kRetryAfterMs = 1'000;

}  // namespace

// Not before the hello: a connection that ends with unread input is reset, and the error with it.
bool StartingProtocol::received(std::size_t bytes) {
  assembler_.commit(bytes);
  auto frame = assembler_.next();
  if (!frame) return false;
  if (!*frame) return true;
  wire::append_error(connection_.output(), (*frame)->header.request_id, {trouble_, kRetryAfterMs});
  return false;
}

net::ProtocolFactory starting_protocol(std::function<Error()> trouble) {
  return [trouble =
              std::move(trouble)](net::Connection& connection) -> std::unique_ptr<net::Protocol> {
    if (connection.peer().kind != net::PeerKind::device) return nullptr;
    connection.set_idle_timeout(kHelloTimeout);
    return std::make_unique<StartingProtocol>(connection, trouble());
  };
}

}  // namespace nae::service
