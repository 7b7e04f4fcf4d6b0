// For tests: a device that sends bytes which are no message of a session, such as half a frame.
#pragma once

#include <optional>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/wire/frame.hpp"
#include "libnae/wire/hello.hpp"

namespace nae::nae1::testing {

class HalfFrames {
 public:
  explicit HalfFrames(ServiceTestServer& server)
      : socket_(must(net::testing::BlockingClient::connect_tls(server.device(), server.port()))) {}

  // False once the server has closed the connection.
  bool send(ByteView bytes) { return socket_.write(bytes).has_value(); }
  void greet() {
    Bytes hello;
    wire::append_hello(hello, 1, {});
    send(hello);
    (void)socket_.read_some(space_);
  }
  bool read(ByteSpan into) {
    for (std::size_t at = 0; at < into.size();) {
      auto got = socket_.read_some(into.subspan(at));
      if (!got) return false;
      at += *got;
    }
    return true;
  }
  bool send_header(std::uint32_t body_bytes) {
    Bytes bytes;
    wire::append_empty_frame(bytes, wire::FrameType::crypto, 1);
    store_big_endian(bytes.data(), body_bytes);
    return send(bytes);
  }
  // Reads the last error until the end of the connection.
  std::optional<Error> farewell() {
    wire::FrameAssembler frames(wire::kMaxFrameBytesCeiling);
    std::optional<Error> last;
    for (;;) {
      ByteSpan space = frames.prepare(4096);
      auto got = socket_.read_some(space);
      if (!got) return last;
      frames.commit(*got);
      while (auto frame = must(frames.next()))
        if (auto error = client::as_error(*frame)) last = error->error;
    }
  }

 private:
  net::testing::BlockingClient socket_;
  Byte space_[4096];
};

}  // namespace nae::nae1::testing
