// Column: many values of one request as lengths followed by one block of data.
#pragma once

#include <span>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::wire {

// Reading side: views into a received frame. The lengths were checked against the block.
class ColumnView {
 public:
  ColumnView() = default;

  std::uint32_t count() const { return count_; }
  std::size_t data_bytes() const { return data_.size(); }
  ByteView data() const { return data_; }
  std::uint32_t length(std::uint32_t item) const {
    return load_big_endian<std::uint32_t>(lengths_.data() + std::size_t{item} * 4);
  }

  // Front to back, once: the offset of an item is the sum of the lengths before it.
  class Cursor {
   public:
    explicit Cursor(const ColumnView& column) : column_(column) {}
    // The next item; the caller asks at most count() times.
    ByteView next() {
      ByteView item = column_.data_.subspan(offset_, column_.length(item_++));
      offset_ += item.size();
      return item;
    }

   private:
    const ColumnView& column_;
    std::uint32_t item_ = 0;
    std::size_t offset_ = 0;
  };
  Cursor cursor() const { return Cursor(*this); }

  // Reads a column of `count` items; false when the lengths do not add up to the block.
  static bool parse(ByteReader& in, std::uint32_t count, ColumnView& column);

 private:
  ByteView lengths_;
  ByteView data_;
  std::uint32_t count_ = 0;
};

// Writing side: u32 total, u32 lengths, data.
void append_column(Bytes& out, std::span<const ByteView> items);

// Bytes that append_column will write for `count` items of `data_bytes` in sum.
constexpr std::size_t column_bytes(std::size_t count, std::size_t data_bytes) {
  return 4 + 4 * count + data_bytes;
}

}  // namespace nae::wire
