// Frames: the only unit that travels, on TLS between agent and key server and on the Unix socket
// between backend and agent. docs/spec/wire.md, "Frame".
#pragma once

#include <cstdint>
#include <optional>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/wire/limits.hpp"

namespace nae::wire {

enum class FrameType : std::uint8_t {
  hello = 1,
  hello_reply = 2,
  open_context = 3,
  context_opened = 4,
  close_context = 5,
  crypto = 6,
  crypto_reply = 7,
  error = 8,
  ping = 9,
  pong = 10,
  epoch = 11,
  lookup = 12,
  lookup_reply = 13,
  state = 14,
  nodes = 15,
};

struct FrameHeader {
  std::uint32_t body_bytes = 0;
  FrameType type{};
  std::uint64_t request_id = 0;  // chosen by who asks; 0 is for frames that answer nothing
};

// One received frame; `body` points into the assembler's buffer.
struct Frame {
  FrameHeader header;
  ByteView body;
};

// Reads 16 bytes. Code::protocol_violation on an unknown type or nonzero reserved bytes,
// Code::frame_too_large past `max_body_bytes`.
Result<FrameHeader> parse_frame_header(ByteView sixteen_bytes, std::uint32_t max_body_bytes);

// Starts a frame in `out`; finish_frame fills in the length once the body has been appended.
// Answers the position of the header, for finish_frame.
std::size_t begin_frame(Bytes& out, FrameType type, std::uint64_t request_id);
void finish_frame(Bytes& out, std::size_t header_position);

// A frame without a body: ping, pong.
void append_empty_frame(Bytes& out, FrameType type, std::uint64_t request_id);

// Overwrites the request id of an encoded frame: the agent forwards frames under its own ids.
void patch_request_id(ByteSpan frame, std::uint64_t request_id);

// Turns a byte stream into frames. One buffer, no copy of a frame: views of a frame live until
// the next call of prepare(). One thread.
class FrameAssembler {
 public:
  explicit FrameAssembler(std::uint32_t max_body_bytes) : max_body_bytes_(max_body_bytes) {}

  void set_max_body_bytes(std::uint32_t value) { max_body_bytes_ = value; }

  // Space to read into, at least `wanted` bytes and enough for the frame under way.
  ByteSpan prepare(std::size_t wanted);
  // `size` bytes of the prepared space were filled.
  void commit(std::size_t size) { end_ += size; }

  // The next whole frame, nothing when more bytes are needed, or an error after which the stream
  // must be closed: its frame boundaries are lost.
  Result<std::optional<Frame>> next();

  // A frame has begun but is not complete: a stream that ends now was cut.
  bool mid_frame() const { return end_ != begin_; }
  // Of the frame that is under way, header included, as its header says it; 0 when no header is
  // complete or it announces more than is allowed.
  std::size_t frame_under_way_bytes() const;
  // A buffer that a large frame left behind is given back. Views of frames end.
  void give_back();
  std::size_t buffer_bytes() const { return buffer_.size(); }
  // The bytes, header included, of the frame that next() answered last.
  ByteView last_frame_bytes() const { return last_; }

 private:
  Bytes buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  ByteView last_;
  std::uint32_t max_body_bytes_;
};

}  // namespace nae::wire
