#include "gateway/inspection/gzip.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

Bytes compressed(ByteView plain) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes out(::deflateBound(&stream, plain.size()));
  stream.next_in = const_cast<Byte*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return out;
}

std::string name_of(const Understood<Bytes>& read) {
  return read ? "good" : std::string(read.error().name);
}

constexpr std::size_t kMost = 1 << 20;

TEST(Gzip, IsUndone) {
  std::mt19937 random(1);
  for (const std::size_t size : {0, 1, 100, 65'535, 65'536, 65'537, 300'000}) {
    Bytes plain(size);
    for (Byte& byte : plain) byte = static_cast<Byte>(random());
    const auto read = gunzip(compressed(plain), kMost);
    ASSERT_TRUE(read) << size << " " << read.error().message;
    EXPECT_EQ(*read, plain) << size;
  }
}

TEST(Gzip, IsRefusedWhereItIsNotWhole) {
  const Bytes whole = compressed(as_bytes(R"({"card":"4111 1111 1111 1111"})"));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(name_of(gunzip(ByteView(whole).first(size), kMost)), "gzip_malformed") << size;
  for (std::size_t at = whole.size() - 8; at < whole.size(); ++at) {
    Bytes changed = whole;
    changed[at] ^= 1;  // of the checksum and the size
    EXPECT_EQ(name_of(gunzip(changed, kMost)), "gzip_malformed") << at;
  }
  for (const ByteView behind :
       {ByteView(whole), as_bytes("x"), as_bytes(std::string_view("\0", 1))}) {
    Bytes longer = whole;
    longer.insert(longer.end(), behind.begin(), behind.end());
    EXPECT_EQ(name_of(gunzip(longer, kMost)), "gzip_malformed") << behind.size();
  }
  EXPECT_EQ(name_of(gunzip(as_bytes("{}"), kMost)), "gzip_malformed");
}

TEST(Gzip, GrowsAsFarAsItMay) {
  const Bytes zeros(kFreeBytes, Byte{0});
  EXPECT_EQ(name_of(gunzip(compressed(zeros), kFreeBytes)), "good");
  EXPECT_EQ(name_of(gunzip(compressed(zeros), kFreeBytes - 1)), "body_too_large");
  EXPECT_EQ(name_of(gunzip(compressed(Bytes(kMost, Byte{0})), kMost)), "body_too_dense");
  EXPECT_EQ(name_of(gunzip(compressed(Bytes(kMost, Byte{0})), kFreeBytes)), "body_too_large");
}

}  // namespace
}  // namespace nae::gateway
