#include "keyserver/protocols/nae1/starting_protocol.hpp"

#include <chrono>

#include "keyserver/protocols/nae1/refusing_protocol.hpp"

namespace nae::nae1 {
namespace {

constexpr std::chrono::milliseconds kHelloTimeout{10'000};
constexpr std::uint32_t kRetryAfterMs = 1'000;

}  // namespace

net::ProtocolFactory starting_protocol(std::function<Error()> failure) {
  return [failure =
              std::move(failure)](net::Connection& connection) -> std::unique_ptr<net::Protocol> {
    if (connection.peer().kind != net::PeerKind::device) return nullptr;
    return std::make_unique<RefusingProtocol>(
        connection, wire::ErrorMessage{failure(), kRetryAfterMs}, kHelloTimeout);
  };
}

}  // namespace nae::nae1
