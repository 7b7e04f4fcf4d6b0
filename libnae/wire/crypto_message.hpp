// Crypto and CryptoReply: one action on many items under one key, answered item by item.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "libnae/base/action.hpp"
#include "libnae/base/action_form.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/wire/column.hpp"
#include "libnae/wire/limits.hpp"

namespace nae::wire {

// What `algorithm` of a request selects, by action:
//   encrypt        an EncryptForm
//   sign, verify   a SignatureScheme; 0 = the key's default, and for verify the one that the
//                  signature names itself. Nonzero in verify: the signature is the bare standard
//                  one.
//   mac            a MacForm
//   hash           a HashAlgorithm
//   search         a SearchForm
//   others         0
//
// The fixed part of a request and how its columns are laid out.
struct CryptoHeader {
  std::uint32_t context = 0;
  Action action{};
  std::uint8_t algorithm = 0;
  std::string_view key;        // empty where the items name their keys: decrypt, rewrap;
                               // encrypt, search and blind indexes also take
                               // `name:version`
  std::uint64_t query_id = 0;  // PostgreSQL's, for the audit; 0 = none
};

// Writing side. `seconds` holds the signature or code of each item for verify and mac-verify, and
// is empty otherwise. `aad`: none, one for all items, or one an item.
struct CryptoRequest {
  CryptoHeader header;
  std::span<const ByteView> items;
  std::span<const ByteView> seconds;
  std::span<const ByteView> aad;
};

// Reading side, views into the frame.
struct CryptoRequestView {
  CryptoHeader header;
  ColumnView items;
  ColumnView seconds;  // count() 0 when absent
  ColumnView aad;      // count() 0, 1 or items.count()
};

// The offset of the context number in an encoded frame: the agent patches it when it forwards.
inline constexpr std::size_t kContextOffsetInFrame = kFrameHeaderBytes;

void append_crypto(Bytes& out, std::uint64_t request_id, const CryptoRequest& request);
// Code::too_many_items past `limits`, also when its answer might be (answer_bound.hpp);
// Code::protocol_violation when malformed, Code::unsupported for an action or column of a later
// time: only the second is the end of the connection.
Result<CryptoRequestView> parse_crypto(ByteView body, const Limits& limits);

// What a request asked for that parse_crypto refused for its size: header and count of items.
// Nothing when not even these can be read.
struct CryptoHead {
  CryptoHeader header;
  std::uint32_t items = 0;
};
std::optional<CryptoHead> parse_crypto_head(ByteView body);

// Bytes of the frame that append_crypto writes for such a request, header included.
std::size_t crypto_frame_bytes(const CryptoRequest& request);

// Status of one item: 0 to 15 succeeded in the way named, 16 and up is a Code.
enum class ItemResult : std::uint16_t { value = 0, null = 1, masked = 2, ciphertext = 3 };

inline constexpr std::uint16_t kFirstErrorStatus = 16;

// Writing side: the server reserves the frame for the known number of items, fills in statuses
// and lengths as it goes and appends each result at the end of the data block.
class CryptoReplyWriter {
 public:
  // Reserves room for `data_bytes_hint` of data; more is allocated when needed.
  CryptoReplyWriter(Bytes& out, std::uint64_t request_id, std::uint32_t count,
                    std::size_t data_bytes_hint);

  // Space for the result of the next item, at most `max_bytes`; finish_item says how many were
  // used.
  ByteSpan begin_item(std::size_t max_bytes);
  void finish_item(ItemResult result, std::size_t used_bytes);
  // Drops what begin_item reserved, if it was called for this item.
  void fail_item(Code code);

  void finish();  // after exactly `count` items

 private:
  void put_status(std::uint16_t status, std::size_t bytes);

  Bytes& out_;
  std::size_t frame_;
  std::size_t statuses_;
  std::size_t lengths_;
  std::size_t data_;
  std::size_t item_start_;
  std::uint32_t item_ = 0;
};

struct CryptoReplyView {
  ByteView statuses;  // 2 bytes an item
  ColumnView items;

  std::uint16_t status(std::uint32_t item) const {
    return load_big_endian<std::uint16_t>(statuses.data() + std::size_t{item} * 2);
  }
};

Result<CryptoReplyView> parse_crypto_reply(ByteView body);

// The items in their order: visit(number, status, bytes), which may leave by longjmp.
template <class Visit>
void each_item(const CryptoReplyView& reply, const Visit& visit) {
  auto cursor = reply.items.cursor();
  for (std::uint32_t number = 0; number < reply.items.count(); ++number) {
    const ByteView bytes = cursor.next();
    visit(number, reply.status(number), bytes);
  }
}

}  // namespace nae::wire
