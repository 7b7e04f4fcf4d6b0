// libFuzzer: what a key server or agent may send to who asks it: a client's session must survive
// it, answer pings with the same id, and never hand on what only the asking side may send.
#include "libnae/client/session.hpp"

#include "libnae/wire/frame_rules.hpp"
#include "tests/fuzz/frame_mutator.hpp"
#include "tests/fuzz/pieces.hpp"

using namespace nae;
using namespace nae::fuzz;

namespace {

constexpr wire::Limits kLimits{1u << 20, 1000};

void check_reply(const client::Session& session, const wire::Frame& frame) {
  require(session.ready() &&
          wire::admit(frame, wire::Side::answerer, wire::Phase::greeted).has_value());
  require(session.limits().max_frame_bytes <= wire::kMaxFrameBytesCeiling);
  require(session.limits().max_items <= wire::kMaxItemsCeiling);
  require(frame.body.size() <= wire::max_reply_bytes(kLimits));
  switch (frame.header.type) {
    case wire::FrameType::error: {
      auto error = client::as_error(frame);
      require(error.has_value() && !row(error->error.code).name.empty());
      break;
    }
    case wire::FrameType::crypto_reply:
      if (auto reply = wire::parse_crypto_reply(frame.body); !reply)
        require_refusal(reply.error(), Code::protocol_violation);
      break;
    case wire::FrameType::lookup_reply:
      if (auto table = wire::parse_lookup_reply(frame.body); !table)
        require_refusal(table.error(), Code::protocol_violation);
      break;
    default:
      require(frame.header.type == wire::FrameType::pong ||
              frame.header.type == wire::FrameType::context_opened);
  }
}

// What a session says is frames: as many pongs as there were pings.
std::size_t pongs_in(ByteView output) {
  std::size_t pongs = 0;
  for (const LooseFrame& frame : frames_in(output))
    pongs += frame.type == static_cast<std::uint8_t>(wire::FrameType::pong);
  return pongs;
}

struct Seen {
  std::size_t replies = 0, pongs = 0;
  std::uint64_t epoch = 0;
  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen hear(ByteView stream, std::size_t piece_bytes) {
  client::Session session("fuzz", kLimits);
  Seen seen;
  read_in_pieces(stream, piece_bytes, [&](ByteView piece) {
    ByteSpan space = session.receive_space(piece.size());
    std::copy(piece.begin(), piece.end(), space.begin());
    session.received(piece.size());
    for (;;) {
      auto frame = session.next_reply();
      if (!frame) return false;
      if (!*frame) return true;
      check_reply(session, **frame);
      ++seen.replies;
    }
  });
  seen.pongs = pongs_in(session.output());
  seen.epoch = session.epoch();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView stream(data + 1, size - 1);
  require(hear(stream, std::size_t{data[0]} + 1) == hear(stream, SIZE_MAX));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return mutate_frames(data, size, max_size, seed);
}
