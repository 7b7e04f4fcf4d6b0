#include "keyserver/protocols/nae1/refusing_protocol.hpp"

#include <utility>

namespace nae::nae1 {

RefusingProtocol::RefusingProtocol(net::Connection& connection, wire::ErrorMessage refusal,
                                   std::chrono::milliseconds hello_timeout,
                                   std::optional<DeviceSeats::Seat> seat)
    : connection_(connection),
      refusal_(std::move(refusal)),
      seat_(std::move(seat)),
      assembler_(wire::kMaxFrameBytesBeforeHello),
      deadline_(connection, hello_timeout, [&connection] { connection.close_after_flush(); }) {
  deadline_.watch(true, true);
}

// Not before the hello: a connection that ends with unread input is reset, and the error with it.
bool RefusingProtocol::received(std::size_t bytes) {
  assembler_.commit(bytes);
  auto frame = assembler_.next();
  if (!frame) return false;
  if (!*frame) return true;
  wire::append_error(connection_.output(), (*frame)->header.request_id, refusal_);
  return false;
}

void RefusingProtocol::closed(const Error& reason) {
  (void)reason;
  deadline_.cancel();
}

}  // namespace nae::nae1
