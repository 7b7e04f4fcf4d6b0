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

StateDigest get_state(ByteReader& in) {
  StateDigest state{};
  const ByteView bytes = in.raw(state.size());
  if (bytes.size() == state.size()) std::copy(bytes.begin(), bytes.end(), state.begin());
  return state;
}

std::string versions_up_to(std::uint16_t highest) {
  return highest == kProtocolVersion
             ? std::to_string(kProtocolVersion)
             : std::to_string(kProtocolVersion) + " to " + std::to_string(highest);
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
  if (reply.version == kVersionWithState) w.raw(reply.state.value_or(StateDigest{}));
  if (reply.version == kVersionWithNodes) {
    w.u8(reply.state ? 1 : 0);
    if (reply.state) w.raw(*reply.state);
    put_node_list(w, reply.nodes);
  }
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
  // Whatever else a later version says is not known here.
  const bool known = reply.version >= kProtocolVersion && reply.version <= kVersionWithNodes;
  if (reply.version == kVersionWithState) reply.state = get_state(in);
  if (reply.version == kVersionWithNodes) {
    const std::uint8_t has_state = in.u8();
    if (has_state > 1) return fail(Code::protocol_violation, "malformed hello reply");
    if (has_state == 1) reply.state = get_state(in);
    NAE_ASSIGN(reply.nodes, get_node_list(in));
  }
  if (!in.complete() || !usable(reply.limits))
    return fail(Code::protocol_violation, "malformed hello reply");
  if (!known)
    return fail(Code::unsupported_version, "the server speaks version " +
                                               std::to_string(reply.version) + ", this side " +
                                               versions_up_to(kVersionWithNodes));
  reply.limits = smaller(reply.limits, {kMaxFrameBytesCeiling, kMaxItemsCeiling});
  return reply;
}

Result<HelloReply> agree(const Hello& hello, const Limits& own, std::uint16_t highest) {
  if (hello.lowest_version > highest || hello.highest_version < kProtocolVersion)
    return fail(Code::unsupported_version, "the peer speaks versions " +
                                               std::to_string(hello.lowest_version) + " to " +
                                               std::to_string(hello.highest_version) +
                                               ", this side " + versions_up_to(highest));
  HelloReply reply;
  reply.version = std::min(hello.highest_version, highest);
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

void append_state(Bytes& out, const StateDigest& state) {
  std::size_t at = begin_frame(out, FrameType::state, 0);
  ByteWriter(out).raw(state);
  finish_frame(out, at);
}

Result<StateDigest> parse_state(ByteView body) {
  ByteReader in(body);
  const StateDigest state = get_state(in);
  if (!in.complete()) return fail(Code::protocol_violation, "malformed state");
  return state;
}

}  // namespace nae::wire
