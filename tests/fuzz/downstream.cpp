// libFuzzer: what backends may send to the agent (agent::Downstream): two of them, before a key
// server that answers as it should. Whatever they send, the server hears right frames alone; each
// request that a backend may ask is answered once, to who asked and under its id; a connection that
// the agent ends has been told why.
#include "agent/downstream.hpp"

#include <array>

#include "tests/fuzz/agent_entry.hpp"
#include "tests/fuzz/asker.hpp"
#include "tests/fuzz/pieces.hpp"
#include "tests/fuzz/told_server.hpp"

using namespace nae;
using namespace nae::fuzz;
using wire::FrameType;

namespace {

// What a byte of the input says beside its frames.
constexpr Byte kProgramUnknown = 1, kRawStream = 2;

// Answers each item with itself.
class RightServer {
 public:
  bool answer(FarEnd& end) {
    bool any = false;
    end.frames([&](const wire::Frame& frame) {
      told_.check(frame);
      Bytes out;
      answer(out, frame);
      end.say(out);
      any = true;
    });
    return any;
  }

 private:
  static void answer(Bytes& out, const wire::Frame& frame) {
    const std::uint64_t id = frame.header.request_id;
    switch (frame.header.type) {
      case FrameType::hello:
        return wire::append_hello_reply(out, id, {1, kAgentLimits, "right", "store", 7, {}});
      case FrameType::open_context:
        return wire::append_context_opened(out, id, wire::parse_open_context(frame.body)->context);
      case FrameType::crypto: {
        const auto request = wire::parse_crypto(frame.body, kAgentLimits);
        wire::CryptoReplyWriter writer(out, id, request->items.count(), frame.body.size());
        auto items = request->items.cursor();
        for (std::uint32_t i = 0; i < request->items.count(); ++i) {
          const ByteView item = items.next();
          std::ranges::copy(item, writer.begin_item(item.size()).begin());
          writer.finish_item(wire::ItemResult::value, item.size());
        }
        return writer.finish();
      }
      case FrameType::lookup:
        return wire::append_lookup_reply(out, id, {{"property", "value"}, {}});
      case FrameType::ping:
        return wire::append_empty_frame(out, FrameType::pong, id);
      default:
        return;
    }
  }
  ToldServer told_{kAgentLimits};
};

}  // namespace

void nae::fuzz::run(ByteView stream, std::size_t piece_bytes, Byte options) {
  const bool unknown = options & kProgramUnknown;
  AgentBetween between(2, 1, !unknown);
  RightServer server;
  std::array<Asker, 2> askers{Asker(kAgentLimits), Asker(kAgentLimits)};
  const auto turn = [&] {
    do {
      between.turn();
      for (std::size_t i = 0; i < 2; ++i) askers[i].hear(between.clients()[i]);
    } while (server.answer(between.servers().front()));
  };
  turn();
  if (options & kRawStream) {
    for (const LooseFrame& frame : frames_in(stream))
      askers[0].note(static_cast<FrameType>(frame.type), frame.request_id);
    read_in_pieces(stream, piece_bytes, [&](ByteView piece) {
      between.clients()[0].say(piece);
      turn();
      return !between.clients()[0].ended();
    });
    return;  // what is cut off in the middle is owed no answer
  }
  for (LooseFrame& frame : frames_in(stream)) {
    const std::size_t who = frame.type & kSecond ? 1 : 0;
    frame.type &= static_cast<Byte>(~kSecond);
    askers[who].note(static_cast<FrameType>(frame.type), frame.request_id);
    read_in_pieces(stream_of({frame}), piece_bytes, [&](ByteView piece) {
      between.clients()[who].say(piece);
      turn();
      return !between.clients()[who].ended();
    });
  }
  for (std::size_t i = 0; i < 2; ++i) {
    askers[i].check_all_answered(between.clients()[i]);
    require(!unknown || !askers[i].greeted());
  }
}
