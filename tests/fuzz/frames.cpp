// libFuzzer: a byte stream as a peer may send it, cut into reads by its own first byte. Nothing may
// crash, and whatever a parser accepts must be written again as the same bytes: each message has
// one encoding.
#include <algorithm>
#include <optional>
#include <vector>

#include "libnae/wire/context.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/frame.hpp"
#include "libnae/wire/hello.hpp"
#include "libnae/wire/lookup.hpp"
#include "tests/fuzz/frame_mutator.hpp"
#include "tests/fuzz/pieces.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::wire;

namespace {

constexpr std::uint32_t kMaxBodyBytes = 1u << 20;

std::vector<ByteView> items_of(const ColumnView& column) {
  std::vector<ByteView> items;
  auto cursor = column.cursor();
  for (std::uint32_t i = 0; i < column.count(); ++i) items.push_back(cursor.next());
  return items;
}

void write_crypto(Bytes& out, const Frame& frame) {
  auto request = parse_crypto(frame.body, Limits{kMaxBodyBytes, 1000});
  if (!request) return;
  // With one item, associated data of one item and of all items mean the same.
  if (request->items.count() == 1 && request->aad.count() == 1) return;
  std::vector<ByteView> items = items_of(request->items), seconds = items_of(request->seconds),
                        aad = items_of(request->aad);
  append_crypto(out, frame.header.request_id, {request->header, items, seconds, aad});
}

void read_crypto_reply(const Frame& frame) {
  auto reply = parse_crypto_reply(frame.body);
  if (!reply) return;
  require(reply->statuses.size() == 2 * std::size_t{reply->items.count()});
  std::size_t sum = 0;
  for (ByteView item : items_of(reply->items)) sum += item.size();
  require(sum == reply->items.data_bytes());
  // What the server writes of the same results is the same body.
  Bytes again;
  CryptoReplyWriter writer(again, frame.header.request_id, reply->items.count(), sum);
  auto cursor = reply->items.cursor();
  for (std::uint32_t i = 0; i < reply->items.count(); ++i) {
    const ByteView item = cursor.next();
    if (reply->status(i) >= kFirstErrorStatus && item.empty()) {
      writer.fail_item(static_cast<Code>(reply->status(i)));
      continue;
    }
    std::ranges::copy(item, writer.begin_item(item.size()).begin());
    writer.finish_item(static_cast<ItemResult>(reply->status(i)), item.size());
  }
  writer.finish();
  require(std::ranges::equal(ByteView(again).subspan(kFrameHeaderBytes), frame.body));
}

// The head is what can still be said of a request that is refused for its size or its time.
void check_head(const Frame& frame) {
  auto request = parse_crypto(frame.body, Limits{kMaxBodyBytes, 1000});
  auto head = parse_crypto_head(frame.body);
  if (!request) return require_refusal(request.error());
  require(head && head->items == request->items.count() && head->header.key == request->header.key);
}

// Parses the frame's body and, when it is accepted, writes the message to `out`.
void write_again(Bytes& out, const Frame& frame) {
  std::uint64_t id = frame.header.request_id;
  switch (frame.header.type) {
    case FrameType::hello:
      if (auto m = parse_hello(frame.body)) {
        append_hello(out, id, *m);
        if (auto agreed = agree(*m, Limits{}); !agreed)
          require_refusal(agreed.error(), Code::unsupported_version);
        else
          require(agreed->limits.max_frame_bytes <= m->limits.max_frame_bytes &&
                  agreed->limits.max_items <= m->limits.max_items);
      }
      break;
    case FrameType::hello_reply:
      if (auto m = parse_hello_reply(frame.body)) {
        bool within = m->limits.max_frame_bytes < kMaxFrameBytesCeiling &&
                      m->limits.max_items < kMaxItemsCeiling;  // larger ones are cut on reading
        if (within) append_hello_reply(out, id, *m);
      }
      break;
    case FrameType::open_context:
      if (auto m = parse_open_context(frame.body)) append_open_context(out, id, *m);
      break;
    case FrameType::context_opened:
      if (auto m = parse_context_number(frame.body)) append_context_opened(out, id, *m);
      break;
    case FrameType::close_context:
      if (auto m = parse_context_number(frame.body); m && id == 0) append_close_context(out, *m);
      break;
    case FrameType::crypto:
      check_head(frame);
      write_crypto(out, frame);
      break;
    case FrameType::crypto_reply:
      read_crypto_reply(frame);
      break;
    case FrameType::error:
      if (auto m = parse_error(frame.body); m && m->error.code != Code::internal)
        append_error(out, id, *m);
      break;
    case FrameType::epoch:
      if (auto m = parse_epoch(frame.body); m && id == 0) append_epoch(out, *m);
      break;
    case FrameType::state:
      if (auto m = parse_state(frame.body); m && id == 0) append_state(out, *m);
      break;
    case FrameType::nodes:
      if (auto m = parse_node_list(frame.body); m && id == 0) append_node_list(out, *m);
      break;
    case FrameType::lookup:
      if (auto m = parse_lookup(frame.body)) append_lookup(out, id, *m);
      break;
    case FrameType::lookup_reply:
      if (auto m = parse_lookup_reply(frame.body)) append_lookup_reply(out, id, *m);
      break;
    case FrameType::ping:
    case FrameType::pong:
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::size_t piece_bytes = std::size_t{data[0]} + 1;
  ByteView stream(data + 1, size - 1);

  FrameAssembler assembler(kMaxBodyBytes);
  read_in_pieces(stream, piece_bytes, [&](ByteView piece) {
    ByteSpan space = assembler.prepare(piece.size());
    require(space.size() >= piece.size());
    std::copy(piece.begin(), piece.end(), space.begin());
    assembler.commit(piece.size());
    for (;;) {
      auto frame = assembler.next();
      if (!frame) {
        require_refusal(frame.error());
        return false;
      }
      if (!*frame) return true;
      Bytes again;
      write_again(again, **frame);
      ByteView original = assembler.last_frame_bytes();
      require(again.empty() ||
              std::equal(again.begin(), again.end(), original.begin(), original.end()));
    }
  });
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return mutate_frames(data, size, max_size, seed);
}
