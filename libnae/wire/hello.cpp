#include "libnae/wire/hello.hpp"

#include <algorithm>

#include "libnae/wire/frame.hpp"

namespace nae::wire {
namespace {

void put_limits(ByteWriter& w, const Limits& limits) {
  w.u32(limits.max_frame_bytes);
  w.u32(limits.max_items);
}

Limits get_limits(ByteReader& in) {
  Limits limits;
  limits.max_frame_bytes = in.u32();
  limits.max_items = in.u32();
  return limits;
}

// Below these no useful request fits: a peer that offers less is broken, not modest.
bool usable(const Limits& limits) {
  return limits.max_frame_bytes >= kMaxFrameBytesBeforeHello && limits.max_items >= 1;
}

Limits smaller(const Limits& a, const Limits& b) {
  return {std::min({a.max_frame_bytes, b.max_frame_bytes, kMaxFrameBytesCeiling}),
          std::min({a.max_items, b.max_items, kMaxItemsCeiling})};
}

}  // namespace

void append_hello(Bytes& out, std::uint64_t request_id, const Hello& hello) {
  std::size_t at = begin_frame(out, FrameType::hello, request_id);
  ByteWriter w(out);
  w.u16(hello.lowest_version);
  w.u16(hello.highest_version);
  put_limits(w, hello.limits);
  w.text(hello.software);
  finish_frame(out, at);
}

Result<Hello> parse_hello(ByteView body) {
  ByteReader in(body);
  Hello hello;
  hello.lowest_version = in.u16();
  hello.highest_version = in.u16();
  hello.limits = get_limits(in);
  hello.software = in.text();
  if (!in.complete() || !usable(hello.limits) || hello.lowest_version > hello.highest_version)
    return fail(Code::protocol_violation, "malformed hello");
  return hello;
}

void append_hello_reply(Bytes& out, std::uint64_t request_id, const HelloReply& reply) {
  std::size_t at = begin_frame(out, FrameType::hello_reply, request_id);
  ByteWriter w(out);
  w.u16(reply.version);
  put_limits(w, reply.limits);
  w.text(reply.software);
  w.text(reply.server_id);
  w.u64(reply.epoch);
  finish_frame(out, at);
}

Result<HelloReply> parse_hello_reply(ByteView body) {
  ByteReader in(body);
  HelloReply reply;
  reply.version = in.u16();
  reply.limits = get_limits(in);
  reply.software = in.text();
  reply.server_id = in.text();
  reply.epoch = in.u64();
  if (!in.complete() || !usable(reply.limits))
    return fail(Code::protocol_violation, "malformed hello reply");
  if (reply.version != kProtocolVersion)
    return fail(Code::unsupported_version, "the server speaks version " +
                                               std::to_string(reply.version) + ", this side " +
                                               std::to_string(kProtocolVersion));
  reply.limits = smaller(reply.limits, {kMaxFrameBytesCeiling, kMaxItemsCeiling});
  return reply;
}

Result<HelloReply> agree(const Hello& hello, const Limits& own) {
  if (hello.lowest_version > kProtocolVersion || hello.highest_version < kProtocolVersion)
    return fail(Code::unsupported_version, "the peer speaks versions " +
                                               std::to_string(hello.lowest_version) + " to " +
                                               std::to_string(hello.highest_version) +
                                               ", this side " + std::to_string(kProtocolVersion));
  HelloReply reply;
  reply.limits = smaller(hello.limits, own);
  return reply;
}

void append_epoch(Bytes& out, std::uint64_t epoch) {
  std::size_t at = begin_frame(out, FrameType::epoch, 0);
  ByteWriter(out).u64(epoch);
  finish_frame(out, at);
}

Result<std::uint64_t> parse_epoch(ByteView body) {
  ByteReader in(body);
  std::uint64_t epoch = in.u64();
  if (!in.complete()) return fail(Code::protocol_violation, "malformed epoch");
  return epoch;
}

}  // namespace nae::wire
