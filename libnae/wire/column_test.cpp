#include "libnae/wire/column.hpp"

#include <gtest/gtest.h>

#include "libnae/wire/test_refusal_check.hpp"

namespace nae::wire {
namespace {

std::optional<ColumnView> parse(ByteView bytes, std::uint32_t count) {
  ByteReader in(bytes);
  ColumnView column;
  if (!ColumnView::parse(in, count, column) || !in.complete()) return std::nullopt;
  return column;
}

Bytes column_of(std::uint32_t total, std::initializer_list<std::uint32_t> lengths,
                std::size_t data_bytes) {
  Bytes bytes;
  ByteWriter w(bytes);
  w.u32(total);
  for (std::uint32_t length : lengths) w.u32(length);
  bytes.resize(bytes.size() + data_bytes, 0x42);
  return bytes;
}

TEST(Column, GoesBothWays) {
  ByteView items[] = {as_bytes("one"), {}, as_bytes("three")};
  Bytes bytes;
  append_column(bytes, items);
  EXPECT_EQ(bytes.size(), column_bytes(3, 8));
  auto column = parse(bytes, 3);
  ASSERT_TRUE(column);
  EXPECT_EQ(column->count(), 3u);
  EXPECT_EQ(column->data_bytes(), 8u);
  auto cursor = column->cursor();
  for (ByteView item : items) EXPECT_EQ(as_text(cursor.next()), as_text(item));
  expect_whole_only(bytes, [](ByteView b) { return parse(b, 3); });
}

TEST(Column, MayHoldNothing) {
  Bytes bytes;
  append_column(bytes, {});
  EXPECT_TRUE(parse(bytes, 0));
  EXPECT_FALSE(parse(bytes, 1));
}

TEST(Column, RefusesLengthsThatDoNotAddUp) {
  EXPECT_TRUE(parse(column_of(5, {2, 3}, 5), 2));
  EXPECT_FALSE(parse(column_of(5, {2, 2}, 5), 2));           // less than the block
  EXPECT_FALSE(parse(column_of(5, {2, 4}, 5), 2));           // more than the block
  EXPECT_FALSE(parse(column_of(5, {0xffffffff, 6}, 5), 2));  // 5 modulo 2^32
  EXPECT_FALSE(parse(column_of(5, {0x80000000, 0x80000005}, 5), 2));
}

TEST(Column, RefusesTotalsAndCountsThatLie) {
  EXPECT_FALSE(parse(column_of(6, {2, 3}, 5), 2));
  EXPECT_FALSE(parse(column_of(4, {2, 3}, 5), 2));
  EXPECT_FALSE(parse(column_of(0xffffffff, {2, 3}, 5), 2));
  EXPECT_FALSE(parse(column_of(5, {2, 3}, 5), 1));
  EXPECT_FALSE(parse(column_of(5, {2, 3}, 5), 3));
  EXPECT_FALSE(parse(column_of(5, {2, 3}, 5), 0xffffffff));
}

}  // namespace
}  // namespace nae::wire
