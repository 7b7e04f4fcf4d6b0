#include "libnae/wire/crypto_message.hpp"

#include "libnae/wire/answer_bound.hpp"
#include "libnae/wire/frame.hpp"

namespace nae::wire {
namespace {

// Bits of the columns byte.
constexpr std::uint8_t kHasSeconds = 1;
constexpr std::uint8_t kHasAad = 2;
constexpr std::uint8_t kAadPerItem = 4;
constexpr std::uint8_t kKnownBits = kHasSeconds | kHasAad | kAadPerItem;

constexpr std::size_t kFixedBytes = 4 + 1 + 1 + 2 + 8 + 1 + 4;

struct RawHead {
  CryptoHead head;               // without the action
  std::optional<Action> action;  // nothing: of a later time
  std::uint8_t columns;          // bits
};

RawHead read_head(ByteReader& in) {
  RawHead raw{};
  raw.head.header.context = in.u32();
  raw.action = action_from_wire(in.u8());
  raw.head.header.algorithm = in.u8();
  raw.head.header.key = in.text();
  raw.head.header.query_id = in.u64();
  raw.columns = in.u8();
  raw.head.items = in.u32();
  return raw;
}

std::uint8_t columns_of(const CryptoRequest& request) {
  std::uint8_t bits = request.seconds.empty() ? 0 : kHasSeconds;
  if (!request.aad.empty()) bits |= kHasAad;
  if (request.aad.size() > 1) bits |= kAadPerItem;
  return bits;
}

std::size_t bytes_of(std::span<const ByteView> items) {
  std::size_t total = 0;
  for (ByteView item : items) total += item.size();
  return column_bytes(items.size(), total);
}

}  // namespace

std::size_t crypto_frame_bytes(const CryptoRequest& request) {
  std::size_t total = kFrameHeaderBytes + kFixedBytes + request.header.key.size();
  total += bytes_of(request.items);
  if (!request.seconds.empty()) total += bytes_of(request.seconds);
  if (!request.aad.empty()) total += bytes_of(request.aad);
  return total;
}

void append_crypto(Bytes& out, std::uint64_t request_id, const CryptoRequest& request) {
  out.reserve(out.size() + crypto_frame_bytes(request));
  std::size_t at = begin_frame(out, FrameType::crypto, request_id);
  ByteWriter w(out);
  w.u32(request.header.context);
  w.u8(static_cast<std::uint8_t>(request.header.action));
  w.u8(request.header.algorithm);
  w.text(request.header.key);
  w.u64(request.header.query_id);
  w.u8(columns_of(request));
  w.u32(static_cast<std::uint32_t>(request.items.size()));
  append_column(out, request.items);
  if (!request.seconds.empty()) append_column(out, request.seconds);
  if (!request.aad.empty()) append_column(out, request.aad);
  finish_frame(out, at);
}

Result<CryptoRequestView> parse_crypto(ByteView body, const Limits& limits) {
  ByteReader in(body);
  CryptoRequestView request;
  const RawHead raw = read_head(in);
  request.header = raw.head.header;
  const std::uint32_t count = raw.head.items;
  const std::uint8_t columns = raw.columns;
  if (!in.ok() || count == 0) return fail(Code::protocol_violation, "malformed crypto request");
  // What a later asker adds. Where its frame ends is known, so the connection, which may be that of
  // a whole host, goes on.
  if ((columns & ~kKnownBits) != 0)
    return fail(Code::unsupported, "this column of a crypto request is not known here");
  if (count > limits.max_items)
    return fail(Code::too_many_items, std::to_string(count) +
                                          " items in one request; the limit is " +
                                          std::to_string(limits.max_items));
  bool good = (columns & kHasAad) || !(columns & kAadPerItem);
  good = good && ColumnView::parse(in, count, request.items);
  if (good && (columns & kHasSeconds)) good = ColumnView::parse(in, count, request.seconds);
  if (good && (columns & kHasAad))
    good = ColumnView::parse(in, (columns & kAadPerItem) ? count : 1, request.aad);
  if (!good || !in.complete()) return fail(Code::protocol_violation, "malformed crypto columns");
  if (!raw.action) return fail(Code::unsupported, "this action is not known here");
  request.header.action = *raw.action;
  if (const std::uint64_t most = answer_bound(*raw.action, request.items);
      most > max_reply_bytes(limits))
    return fail(Code::too_many_items, "the answer to " + std::to_string(count) +
                                          " items could have " + std::to_string(most) +
                                          " bytes; the limit is " +
                                          std::to_string(max_reply_bytes(limits)));
  for (std::uint32_t i = 0; i < request.aad.count(); ++i)
    if (request.aad.length(i) > kMaxAadBytes)
      return fail(Code::value_too_large,
                  "associated data of " + std::to_string(request.aad.length(i)) +
                      " bytes; the limit is " + std::to_string(kMaxAadBytes));
  return request;
}

std::optional<CryptoHead> parse_crypto_head(ByteView body) {
  ByteReader in(body);
  RawHead raw = read_head(in);
  if (!in.ok() || !raw.action || (raw.columns & ~kKnownBits) != 0 || raw.head.items == 0)
    return std::nullopt;
  raw.head.header.action = *raw.action;
  return raw.head;
}

CryptoReplyWriter::CryptoReplyWriter(Bytes& out, std::uint64_t request_id, std::uint32_t count,
                                     std::size_t data_bytes_hint)
    : out_(out), frame_(begin_frame(out, FrameType::crypto_reply, request_id)) {
  out_.reserve(out_.size() + 8 + std::size_t{count} * 6 + data_bytes_hint);
  ByteWriter w(out_);
  w.u32(count);
  statuses_ = w.position();
  w.reserve(std::size_t{count} * 2);
  w.u32(0);
  lengths_ = w.position();
  w.reserve(std::size_t{count} * 4);
  data_ = item_start_ = w.position();
}

ByteSpan CryptoReplyWriter::begin_item(std::size_t max_bytes) {
  item_start_ = out_.size();
  return ByteWriter(out_).reserve(max_bytes);
}

void CryptoReplyWriter::put_status(std::uint16_t status, std::size_t bytes) {
  store_big_endian(out_.data() + statuses_ + std::size_t{item_} * 2, status);
  store_big_endian(out_.data() + lengths_ + std::size_t{item_} * 4,
                   static_cast<std::uint32_t>(bytes));
  ++item_;
}

void CryptoReplyWriter::finish_item(ItemResult result, std::size_t used_bytes) {
  out_.resize(item_start_ + used_bytes);
  put_status(static_cast<std::uint16_t>(result), used_bytes);
  item_start_ = out_.size();
}

void CryptoReplyWriter::fail_item(Code code) {
  out_.resize(item_start_);
  put_status(static_cast<std::uint16_t>(code), 0);
}

void CryptoReplyWriter::finish() {
  store_big_endian(out_.data() + lengths_ - 4, static_cast<std::uint32_t>(out_.size() - data_));
  finish_frame(out_, frame_);
}

Result<CryptoReplyView> parse_crypto_reply(ByteView body) {
  ByteReader in(body);
  CryptoReplyView reply;
  std::uint32_t count = in.u32();
  reply.statuses = in.raw(std::size_t{count} * 2);
  if (!in.ok() || !ColumnView::parse(in, count, reply.items) || !in.complete())
    return fail(Code::protocol_violation, "malformed crypto reply");
  return reply;
}

}  // namespace nae::wire
