#include "libnae/base/bytes.hpp"

#include <gtest/gtest.h>

namespace nae {
namespace {

TEST(BigEndian, StoresAndLoadsEveryWidth) {
  Byte out[8];
  store_big_endian(out, std::uint8_t{0xab});
  EXPECT_EQ(load_big_endian<std::uint8_t>(out), 0xab);
  store_big_endian(out, std::uint16_t{0x1234});
  EXPECT_EQ(out[0], 0x12);
  EXPECT_EQ(load_big_endian<std::uint16_t>(out), 0x1234);
  store_big_endian(out, std::uint32_t{0xfedcba98});
  EXPECT_EQ(load_big_endian<std::uint32_t>(out), 0xfedcba98u);
  store_big_endian(out, std::uint64_t{0xfedcba9876543210});
  EXPECT_EQ(out[0], 0xfe);
  EXPECT_EQ(out[7], 0x10);
  EXPECT_EQ(load_big_endian<std::uint64_t>(out), 0xfedcba9876543210u);
}

TEST(ByteWriter, AppendsWhatByteReaderReads) {
  Bytes bytes;
  ByteWriter w(bytes);
  w.u8(1);
  w.u16(2);
  w.u32(3);
  w.u64(4);
  w.text("five");
  w.raw(as_bytes("six"));
  ByteReader in(bytes);
  EXPECT_EQ(in.u8(), 1);
  EXPECT_EQ(in.u16(), 2);
  EXPECT_EQ(in.u32(), 3u);
  EXPECT_EQ(in.u64(), 4u);
  EXPECT_EQ(in.text(), "five");
  EXPECT_EQ(as_text(in.raw(3)), "six");
  EXPECT_TRUE(in.complete());
}

TEST(ByteWriter, CutsTextsAt64KiB) {
  Bytes bytes;
  ByteWriter w(bytes);
  w.text(std::string(65535, 'a'));
  w.text(std::string(65536, 'b'));
  ByteReader in(bytes);
  EXPECT_EQ(in.text().size(), 65535u);
  EXPECT_EQ(in.text().size(), 65535u);
  EXPECT_TRUE(in.complete());
}

TEST(ByteReader, ReadsNothingPastTheEnd) {
  Byte bytes[] = {1, 2, 3};
  ByteReader in(bytes);
  EXPECT_EQ(in.u32(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0);  // failed for good, although three bytes are left
  EXPECT_TRUE(in.raw(0).empty());
  EXPECT_FALSE(in.complete());
}

TEST(ByteReader, RefusesLengthsPastTheEnd) {
  Byte longer[] = {0, 3, 'a', 'b'};
  ByteReader in(longer);
  EXPECT_EQ(in.text(), "");
  EXPECT_FALSE(in.ok());
  ByteReader huge(longer);
  EXPECT_TRUE(huge.raw(SIZE_MAX).empty());
  EXPECT_FALSE(huge.ok());
}

TEST(ByteReader, IsIncompleteWhileBytesAreLeft) {
  Byte bytes[] = {1, 2};
  ByteReader in(bytes);
  in.u8();
  EXPECT_TRUE(in.ok());
  EXPECT_FALSE(in.complete());
  EXPECT_EQ(in.remaining(), 1u);
}

}  // namespace
}  // namespace nae
