#include "libnae/wire/column.hpp"

namespace nae::wire {

bool ColumnView::parse(ByteReader& in, std::uint32_t count, ColumnView& column) {
  std::uint32_t total = in.u32();
  column.count_ = count;
  column.lengths_ = in.raw(std::size_t{count} * 4);
  column.data_ = in.raw(total);
  if (!in.ok()) return false;
  std::uint64_t sum = 0;  // 2^32 items of 2^32 bytes cannot overflow it
  for (std::uint32_t i = 0; i < count; ++i) sum += column.length(i);
  return sum == total;
}

void append_column(Bytes& out, std::span<const ByteView> items) {
  std::size_t total = 0;
  for (ByteView item : items) total += item.size();
  ByteWriter w(out);
  ByteSpan block = w.reserve(column_bytes(items.size(), total));
  Byte* at = block.data();
  auto put = [&at](std::size_t v) {
    store_big_endian(at, static_cast<std::uint32_t>(v));
    at += 4;
  };
  put(total);
  for (ByteView item : items) put(item.size());
  for (ByteView item : items) {
    if (!item.empty()) std::memcpy(at, item.data(), item.size());
    at += item.size();
  }
}

}  // namespace nae::wire
