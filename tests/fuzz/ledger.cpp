// libFuzzer: what a store's file says its history was: changes and snapshots of the ledger. What is
// read is written again as the same bytes; a fold that applied a change undoes it.
#include "keyserver/store/fold.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::store;

namespace {

void check_change(ByteView bytes) {
  auto change = parse_change(bytes);
  if (!change) return require_refusal(change.error(), Code::store_corrupt);
  const Bytes again = encode(*change);
  require(std::ranges::equal(again, bytes) && change->items.size() <= kMaxItems);
  Fold fold;
  auto before = fold.apply(*change);
  for (const Item& item : change->items) {
    require(!text_of(item.noun, item.identity).empty());
    require(item.identity.size() <= kMaxIdentityBytes);
  }
  fold.undo(std::move(before));
  require(fold.size() == 0);
}

void check_snapshot(ByteView bytes) {
  auto snapshot = parse_snapshot(bytes);
  if (!snapshot) return require_refusal(snapshot.error(), Code::store_corrupt);
  require(std::ranges::equal(encode_snapshot(snapshot->point, snapshot->fold), bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  check_change(bytes);
  check_snapshot(bytes);
  return 0;
}
