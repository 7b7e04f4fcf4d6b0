#include "libnae/wire/frame.hpp"

#include <algorithm>
#include <string>

namespace nae::wire {
namespace {

constexpr std::size_t kRequestIdOffset = 8;
constexpr auto kFirstType = static_cast<std::uint8_t>(FrameType::hello);
constexpr auto kLastType = static_cast<std::uint8_t>(FrameType::nodes);
// A buffer that once held a large frame is given back when it idles.
constexpr std::size_t kKeepBytes = 256u << 10;

}  // namespace

Result<FrameHeader> parse_frame_header(ByteView bytes, std::uint32_t max_body_bytes) {
  ByteReader in(bytes);
  FrameHeader header;
  header.body_bytes = in.u32();
  std::uint8_t type = in.u8();
  bool reserved_is_zero = (in.u8() | in.u8() | in.u8()) == 0;
  header.request_id = in.u64();
  if (!in.complete()) return fail(Code::protocol_violation, "frame header is not 16 bytes");
  if (type < kFirstType || type > kLastType || !reserved_is_zero)
    return fail(Code::protocol_violation, "not a frame header");
  if (header.body_bytes > max_body_bytes)
    return fail(Code::frame_too_large, "frame of " + std::to_string(header.body_bytes) +
                                           " bytes; the limit is " +
                                           std::to_string(max_body_bytes));
  header.type = static_cast<FrameType>(type);
  return header;
}

std::size_t begin_frame(Bytes& out, FrameType type, std::uint64_t request_id) {
  std::size_t position = out.size();
  ByteWriter w(out);
  w.u32(0);
  w.u8(static_cast<std::uint8_t>(type));
  w.u8(0);
  w.u16(0);
  w.u64(request_id);
  return position;
}

void finish_frame(Bytes& out, std::size_t header_position) {
  auto body = static_cast<std::uint32_t>(out.size() - header_position - kFrameHeaderBytes);
  store_big_endian(out.data() + header_position, body);
}

void append_empty_frame(Bytes& out, FrameType type, std::uint64_t request_id) {
  finish_frame(out, begin_frame(out, type, request_id));
}

void patch_request_id(ByteSpan frame, std::uint64_t request_id) {
  store_big_endian(frame.data() + kRequestIdOffset, request_id);
}

ByteSpan FrameAssembler::prepare(std::size_t wanted) {
  std::size_t held = end_ - begin_;
  if (held == 0) {
    begin_ = end_ = 0;
    give_back();
  }
  // Make room for the whole frame under way at once, once its length is known and was checked, and
  // for a read beyond it: growing for its last bytes would copy all that came before them.
  std::size_t needed = wanted;
  if (std::size_t frame_bytes = frame_under_way_bytes(); frame_bytes > held + wanted)
    needed = frame_bytes - held;
  if (buffer_.size() - end_ < needed && begin_ != 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    begin_ = 0;
    end_ = held;
  }
  if (buffer_.size() - end_ < needed) {
    // Not resize(): it would move what is not held too, byte by byte under this allocator.
    Bytes larger(end_ + needed + (needed > wanted ? wanted : 0));
    std::copy_n(buffer_.begin(), end_, larger.begin());
    buffer_.swap(larger);
  }
  return {buffer_.data() + end_, buffer_.size() - end_};
}

std::size_t FrameAssembler::frame_under_way_bytes() const {
  if (end_ - begin_ < kFrameHeaderBytes) return 0;
  auto body = load_big_endian<std::uint32_t>(buffer_.data() + begin_);
  return body <= max_body_bytes_ ? std::size_t{kFrameHeaderBytes} + body : 0;
}

void FrameAssembler::give_back() {
  const std::size_t held = end_ - begin_;
  if (buffer_.size() <= kKeepBytes || held > kKeepBytes / 2) return;
  Bytes kept(held);
  std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), held, kept.begin());
  buffer_.swap(kept);
  begin_ = 0;
  end_ = held;
  last_ = {};
}

Result<std::optional<Frame>> FrameAssembler::next() {
  std::size_t held = end_ - begin_;
  if (held < kFrameHeaderBytes) return std::optional<Frame>{};
  ByteView bytes(buffer_.data() + begin_, held);
  NAE_ASSIGN(FrameHeader header,
             parse_frame_header(bytes.first(kFrameHeaderBytes), max_body_bytes_));
  std::size_t frame_bytes = std::size_t{kFrameHeaderBytes} + header.body_bytes;
  if (held < frame_bytes) return std::optional<Frame>{};
  begin_ += frame_bytes;
  last_ = bytes.first(frame_bytes);
  return std::optional<Frame>(Frame{header, last_.subspan(kFrameHeaderBytes)});
}

}  // namespace nae::wire
