// The asking side of one connection, without the connection: bytes in, bytes out. It serves the
// PostgreSQL backend (over the Unix socket), the agent's upstream, the benchmarks and the tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/wire/context.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/frame.hpp"
#include "libnae/wire/hello.hpp"
#include "libnae/wire/lookup.hpp"

namespace nae::client {

// After any error from receive() or next_reply() the stream is out of step: close the connection
// and start a new session.
class Session {
 public:
  // Queues Hello at once, so that the first write carries it together with what follows.
  explicit Session(std::string software, const wire::Limits& limits = {});

  // Bytes to write, front first; sent() drops what the socket took.
  ByteView output() const { return ByteView(output_).subspan(output_sent_); }
  void sent(std::size_t bytes);

  // Where to read into, and how much was read.
  ByteSpan receive_space(std::size_t wanted = 64 << 10) { return assembler_.prepare(wanted); }
  void received(std::size_t bytes) { assembler_.commit(bytes); }

  // The next frame that answers a request. Hello and epoch frames are consumed on the way.
  // The views in the frame live until the next receive_space().
  Result<std::optional<wire::Frame>> next_reply();

  // Requests may be queued before Hello is answered; each answers the id its reply will carry.
  std::uint64_t open_context(const wire::OpenContext& open);
  void close_context(std::uint32_t context) { wire::append_close_context(output_, context); }
  // Code::frame_too_large or Code::too_many_items against limits(), before anything is queued.
  Result<std::uint64_t> crypto(const wire::CryptoRequest& request);
  std::uint64_t lookup(const wire::Lookup& lookup);

  // What both sides agreed on; the own limits until Hello was answered.
  const wire::Limits& limits() const { return limits_; }
  bool ready() const { return server_.has_value(); }
  const std::optional<wire::HelloReply>& server() const { return server_; }
  std::uint64_t epoch() const { return epoch_; }
  // A request was partly written or a reply partly read: the connection cannot be reused.
  bool mid_frame() const { return !output().empty() || assembler_.mid_frame(); }

 private:
  Bytes output_;
  std::size_t output_sent_ = 0;
  wire::FrameAssembler assembler_;
  wire::Limits limits_;
  std::optional<wire::HelloReply> server_;
  std::uint64_t epoch_ = 0;
  std::uint64_t next_id_ = 1;
};

// Reads an error frame, or nothing when the frame is not one.
std::optional<wire::ErrorMessage> as_error(const wire::Frame& frame);

}  // namespace nae::client
