#include "libnae/wire/frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "libnae/base/text.hpp"
#include "libnae/wire/hello.hpp"

namespace nae::wire {
namespace {

Bytes frame_of(std::size_t body_bytes, std::uint64_t request_id = 7,
               FrameType type = FrameType::crypto) {
  Bytes out;
  std::size_t at = begin_frame(out, type, request_id);
  out.resize(out.size() + body_bytes, 0x42);
  finish_frame(out, at);
  return out;
}

void feed(FrameAssembler& assembler, ByteView bytes) {
  ByteSpan space = assembler.prepare(bytes.size());
  ASSERT_GE(space.size(), bytes.size());
  std::copy(bytes.begin(), bytes.end(), space.begin());
  assembler.commit(bytes.size());
}

TEST(FrameHeader, HasItsPartsWhereTheSpecificationSays) {
  EXPECT_EQ(to_hex(frame_of(3, 0x0102030405060708)), "00000003060000000102030405060708424242");
}

TEST(FrameHeader, AcceptsEveryKnownTypeAndNoOther) {
  for (int type = 0; type < 256; ++type) {
    Bytes bytes = frame_of(0);
    bytes[4] = static_cast<Byte>(type);
    auto header = parse_frame_header(bytes, 100);
    ASSERT_EQ(header.has_value(), type >= 1 && type <= 15) << type;
    EXPECT_TRUE(header || header.error().code == Code::protocol_violation);
  }
}

TEST(FrameHeader, RefusesReservedBytes) {
  for (std::size_t at : {5, 6, 7}) {
    Bytes bytes = frame_of(0);
    bytes[at] = 1;
    EXPECT_EQ(parse_frame_header(bytes, 100).error().code, Code::protocol_violation);
  }
}

TEST(FrameHeader, RefusesOtherLengthsThan16) {
  Bytes bytes = frame_of(0);
  for (std::size_t size = 0; size < 16; ++size)
    EXPECT_FALSE(parse_frame_header(ByteView(bytes).first(size), 100));
  bytes.push_back(0);
  EXPECT_FALSE(parse_frame_header(bytes, 100));
}

TEST(FrameHeader, HoldsTheLimitExactly) {
  Bytes bytes = frame_of(100);
  EXPECT_TRUE(parse_frame_header(ByteView(bytes).first(16), 100));
  auto over = parse_frame_header(ByteView(bytes).first(16), 99);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::frame_too_large);
}

TEST(Frame, PatchesItsRequestId) {
  Bytes bytes = frame_of(3, 7), other = frame_of(3, 0xfffffffffffffffe);
  patch_request_id(bytes, 0xfffffffffffffffe);
  EXPECT_EQ(bytes, other);
}

TEST(Assembler, FindsFramesHoweverTheyArrive) {
  Bytes stream;
  for (std::size_t body : {0, 1, 15, 16, 17, 1000}) {
    Bytes frame = frame_of(body, body);
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  for (std::size_t step : {1, 2, 15, 16, 17, 33, 2000}) {
    FrameAssembler assembler(1000);
    std::vector<std::size_t> bodies;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      feed(assembler, ByteView(stream).subspan(at, std::min(step, stream.size() - at)));
      for (;;) {
        auto frame = assembler.next();
        ASSERT_TRUE(frame);
        if (!*frame) break;
        EXPECT_EQ((*frame)->header.request_id, (*frame)->body.size());
        EXPECT_EQ(assembler.last_frame_bytes().size(), (*frame)->body.size() + 16);
        bodies.push_back((*frame)->body.size());
      }
    }
    EXPECT_EQ(bodies, (std::vector<std::size_t>{0, 1, 15, 16, 17, 1000})) << step;
    EXPECT_FALSE(assembler.mid_frame());
  }
}

TEST(Assembler, KnowsThatAFrameIsUnderWay) {
  Bytes frame = frame_of(4);
  for (std::size_t size = 1; size < frame.size(); ++size) {
    FrameAssembler assembler(1000);
    EXPECT_FALSE(assembler.mid_frame());
    feed(assembler, ByteView(frame).first(size));
    auto none = assembler.next();
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
    EXPECT_TRUE(assembler.mid_frame());
  }
}

// A stranger's header must not make us take memory.
TEST(Assembler, RefusesAnOversizedFrameByItsHeader) {
  FrameAssembler assembler(kMaxFrameBytesBeforeHello);
  Byte header[16] = {0xff, 0xff, 0xff, 0xff, 1};
  feed(assembler, header);
  EXPECT_LT(assembler.prepare(1).size(), 1u << 16);
  EXPECT_EQ(assembler.next().error().code, Code::frame_too_large);
}

TEST(Assembler, HoldsItsLimitExactlyAndCanRaiseIt) {
  Bytes frame = frame_of(kMaxFrameBytesBeforeHello + 1);
  FrameAssembler assembler(kMaxFrameBytesBeforeHello);
  feed(assembler, frame);
  EXPECT_EQ(assembler.next().error().code, Code::frame_too_large);
  assembler.set_max_body_bytes(kMaxFrameBytesBeforeHello + 1);
  EXPECT_TRUE(assembler.next()->has_value());
}

TEST(Assembler, MakesRoomForTheWholeFrameOnce) {
  Bytes frame = frame_of(1u << 20);
  FrameAssembler assembler(1u << 20);
  feed(assembler, ByteView(frame).first(16));
  EXPECT_GE(assembler.prepare(1).size(), 1u << 20);
  feed(assembler, ByteView(frame).subspan(16));
  auto whole = assembler.next();
  ASSERT_TRUE(whole && *whole);
  EXPECT_TRUE(std::ranges::equal((*whole)->body, ByteView(frame).subspan(16)));
  EXPECT_LT(assembler.prepare(100).size(), 1u << 20);  // and gives it back
}

TEST(Assembler, ReportsGarbage) {
  FrameAssembler assembler(1000);
  feed(assembler, as_bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_FALSE(assembler.next());
}

}  // namespace
}  // namespace nae::wire
