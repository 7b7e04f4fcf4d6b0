#include "libnae/wire/error_message.hpp"

#include "libnae/wire/frame.hpp"

namespace nae::wire {

void append_error(Bytes& out, std::uint64_t request_id, const ErrorMessage& message) {
  std::size_t at = begin_frame(out, FrameType::error, request_id);
  ByteWriter w(out);
  w.u16(static_cast<std::uint16_t>(message.error.code));
  w.u32(message.retry_after_ms);
  w.text(message.error.message);
  w.text(message.error.hint);
  finish_frame(out, at);
}

Result<ErrorMessage> parse_error(ByteView body) {
  ByteReader in(body);
  std::uint16_t number = in.u16();
  ErrorMessage message;
  message.retry_after_ms = in.u32();
  message.error.message = in.text();
  message.error.hint = in.text();
  if (!in.complete()) return fail(Code::protocol_violation, "malformed error");
  if (auto code = code_from_wire(number)) {
    message.error.code = *code;
  } else {
    message.error.code = Code::internal;
    message.error.message += " (code " + std::to_string(number) + ")";
  }
  return message;
}

}  // namespace nae::wire
