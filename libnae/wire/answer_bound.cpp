#include "libnae/wire/answer_bound.hpp"

#include <algorithm>

namespace nae::wire {
namespace {

constexpr std::size_t kEnvelopeBytes = 41;  // the longest overhead of a format
constexpr std::size_t kCodeBytes = 41;

// A malformed one is answered by nothing but its status.
std::size_t random_bytes_wanted(ByteView item) {
  if (item.size() != 4) return 0;
  return std::min(load_big_endian<std::uint32_t>(item.data()), kMaxRandomBytes);
}

}  // namespace

ResultBound result_bound(Action action) {
  switch (action) {
    // Masks are shorter than their values but for one of 64 bytes; of an envelope, whose value is
    // 25 bytes shorter than it at least, that is less than this.
    case Action::decrypt:
    case Action::encrypt:
    case Action::rewrap:
      return {kEnvelopeBytes, true};
    case Action::sign:
      return {kMaxSignatureTokenBytes, false};
    case Action::verify:
    case Action::mac_verify:
      return {1, false};
    case Action::mac:
      return {kCodeBytes, false};
    case Action::derive:
      return {kMaxAgreedBytes, false};
    case Action::hash:
      return {kMaxDigestBytes, false};
    // A code is as long as what says how long its token is.
    case Action::search:
      return {0, true};
    case Action::random:
      return {kMaxRandomBytes, false};
    // Nobody serves these: they are answered by an error.
    case Action::wrap:
    case Action::unwrap:
    case Action::export_key:
    case Action::manage:
      return {0, false};
  }
  return {0, false};
}

std::size_t answer_bound(Action action, ByteView item) {
  if (action == Action::random) return kReplyItemBytes + random_bytes_wanted(item);
  const ResultBound bound = result_bound(action);
  return kReplyItemBytes + bound.constant_bytes + (bound.grows_with_item ? item.size() : 0);
}

std::uint64_t answer_bound(Action action, const ColumnView& items) {
  std::uint64_t most = kReplyFixedBytes;
  if (action == Action::random) {
    auto item = items.cursor();
    for (std::uint32_t i = 0; i < items.count(); ++i) most += answer_bound(action, item.next());
    return most;
  }
  const ResultBound bound = result_bound(action);
  most += std::uint64_t{items.count()} * (kReplyItemBytes + bound.constant_bytes);
  return bound.grows_with_item ? most + items.data_bytes() : most;
}

}  // namespace nae::wire
