// The most that a request can be answered with: known before anything is done, so that who asks for
// too much hears of it then and not when values are signed or counters spent. Key server, agent and
// asker use this one definition, each with the limits of its connection. docs/spec/wire.md,
// "Limits".
#pragma once

#include "libnae/base/algorithm.hpp"
#include "libnae/base/key_id.hpp"
#include "libnae/wire/crypto_message.hpp"

namespace nae::wire {

// A signature behind its header. The other constant growths are those of envelope.md.
inline constexpr std::size_t kMaxSignatureTokenBytes = 1 + kKeyIdBytes + 2 + kMaxSignatureBytes;
// Of the body of an answer, beside its items.
inline constexpr std::size_t kReplyFixedBytes = 4 + 4;
// Beside the result of an item: its status and length.
inline constexpr std::size_t kReplyItemBytes = 2 + 4;

// What an item of `item_bytes` may be answered with beyond what constant_bytes says.
struct ResultBound {
  std::size_t constant_bytes;  // of each item
  bool grows_with_item;        // as much as the item has, on top
};
// Of every action that has one; random alone says in each item how much it wants.
ResultBound result_bound(Action action);

// Of one item, its status and length included.
std::size_t answer_bound(Action action, ByteView item);
// Of the whole body. Reads the items of random only.
std::uint64_t answer_bound(Action action, const ColumnView& items);

}  // namespace nae::wire
