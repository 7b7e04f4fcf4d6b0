#include "libnae/wire/crypto_message.hpp"

#include <gtest/gtest.h>

#include "libnae/base/code.hpp"
#include "libnae/wire/test_refusal_check.hpp"

namespace nae::wire {
namespace {

const ByteView kItems[] = {as_bytes("4111"), {}, as_bytes("x")};
const ByteView kAads[] = {as_bytes("1"), as_bytes("22"), {}};

CryptoRequest example() {
  return {{5, Action::encrypt, 0, "customer-pii", 99}, kItems, {}, {}};
}
Bytes frame_of(const CryptoRequest& request) {
  Bytes frame;
  append_crypto(frame, 3, request);
  return frame;
}
auto parse_body(ByteView body) {
  return parse_crypto(body, Limits{});
}

// Where the columns byte and the count stand in the body of a request.
std::size_t columns_offset(const CryptoRequest& request) {
  return 4 + 1 + 1 + 2 + request.header.key.size() + 8;
}

TEST(Crypto, GoesBothWaysInEveryShape) {
  for (auto seconds : {std::span<const ByteView>{}, std::span<const ByteView>(kAads)})
    for (auto aad : {std::span<const ByteView>{}, std::span<const ByteView>(kAads).first(1),
                     std::span<const ByteView>(kAads)}) {
      CryptoRequest request = example();
      request.seconds = seconds;
      request.aad = aad;
      Bytes frame = frame_of(request);
      EXPECT_EQ(frame.size(), crypto_frame_bytes(request));
      expect_whole_only(body_of(frame), parse_body);
      auto view = parse_body(body_of(frame));
      ASSERT_TRUE(view);
      EXPECT_EQ(view->header.context, 5u);
      EXPECT_EQ(view->header.action, Action::encrypt);
      EXPECT_EQ(view->header.key, "customer-pii");
      EXPECT_EQ(view->header.query_id, 99u);
      EXPECT_EQ(view->items.count(), 3u);
      EXPECT_EQ(view->seconds.count(), seconds.size());
      EXPECT_EQ(view->aad.count(), aad.size());
      auto cursor = view->items.cursor();
      for (ByteView item : kItems) EXPECT_EQ(as_text(cursor.next()), as_text(item));
    }
}

TEST(Crypto, RefusesUnknownActionsAndColumns) {
  for (int action = 0; action < 256; ++action) {
    Bytes frame = frame_of(example());
    frame[kFrameHeaderBytes + 4] = static_cast<Byte>(action);
    EXPECT_EQ(parse_body(body_of(frame)).has_value(), action >= 1 && action <= 15) << action;
  }
  std::size_t at = kFrameHeaderBytes + columns_offset(example());
  for (int columns = 1; columns < 256; ++columns) {  // columns that are said to follow, but do not
    Bytes frame = frame_of(example());
    frame[at] = static_cast<Byte>(columns);
    EXPECT_FALSE(parse_body(body_of(frame))) << columns;
  }
}

TEST(Crypto, RefusesCountsThatLie) {
  std::size_t at = kFrameHeaderBytes + columns_offset(example()) + 1;
  for (std::uint32_t count : {0u, 1u, 2u, 4u, 65536u, 65537u, 0xffffffffu}) {
    Bytes frame = frame_of(example());
    store_big_endian(frame.data() + at, count);
    auto result = parse_body(body_of(frame));
    ASSERT_FALSE(result) << count;
    EXPECT_EQ(result.error().code,
              count > kMaxItemsDefault ? Code::too_many_items : Code::protocol_violation);
  }
}

TEST(Crypto, HoldsTheItemLimitExactly) {
  Bytes frame = frame_of(example());
  EXPECT_TRUE(parse_crypto(body_of(frame), Limits{4096, 3}));
  auto over = parse_crypto(body_of(frame), Limits{4096, 2});
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::too_many_items);
}

TEST(Crypto, HoldsTheAadLimitExactly) {
  Bytes aad(kMaxAadBytes + 1);
  ByteView at_limit[] = {ByteView(aad).first(kMaxAadBytes)}, past[] = {aad};
  CryptoRequest request = example();
  request.aad = at_limit;
  EXPECT_TRUE(parse_body(body_of(frame_of(request))));
  request.aad = past;
  Bytes frame = frame_of(request);
  auto over = parse_body(body_of(frame));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::value_too_large);
}

TEST(Crypto, KeepsTheContextWhereTheAgentPatchesIt) {
  Bytes frame = frame_of(example());
  store_big_endian(frame.data() + kContextOffsetInFrame, std::uint32_t{77});
  EXPECT_EQ(parse_body(body_of(frame))->header.context, 77u);
}

TEST(CryptoReply, GoesBothWaysAndKeepsItemsApart) {
  Bytes frame;
  CryptoReplyWriter writer(frame, 3, 5, 10);
  auto put = [&](std::string_view value, std::size_t reserved) {
    ByteSpan space = writer.begin_item(reserved);
    std::copy(value.begin(), value.end(), space.begin());
    return value.size();
  };
  writer.finish_item(ItemResult::value, put("first", 5));
  writer.finish_item(ItemResult::masked, put("2", 1000));  // less than was reserved
  put("a plaintext that is not to leave", 100);
  writer.fail_item(Code::authentication_failed);
  writer.fail_item(Code::denied);  // nothing was begun
  writer.finish_item(ItemResult::null, put("", 0));
  writer.finish();

  expect_whole_only(body_of(frame), parse_crypto_reply);
  auto reply = parse_crypto_reply(body_of(frame));
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->items.count(), 5u);
  EXPECT_EQ(reply->items.data_bytes(), 6u);
  auto cursor = reply->items.cursor();
  EXPECT_EQ(as_text(cursor.next()), "first");
  EXPECT_EQ(as_text(cursor.next()), "2");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cursor.next().empty());
  const std::uint16_t statuses[] = {0, 2, static_cast<std::uint16_t>(Code::authentication_failed),
                                    static_cast<std::uint16_t>(Code::denied), 1};
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(reply->status(i), statuses[i]);
  EXPECT_EQ(as_text(frame).find("plaintext"), std::string_view::npos);
}

TEST(CryptoReply, RefusesCountsThatLie) {
  Bytes frame;
  CryptoReplyWriter writer(frame, 3, 1, 0);
  writer.fail_item(Code::denied);
  writer.finish();
  for (std::uint32_t count : {0u, 2u, 0xffffffffu, 0x80000000u}) {
    store_big_endian(frame.data() + kFrameHeaderBytes, count);
    EXPECT_FALSE(parse_crypto_reply(body_of(frame))) << count;
  }
}

TEST(CryptoReply, FollowsOtherFramesInOneBuffer) {
  Bytes out;
  append_crypto(out, 1, example());
  std::size_t first = out.size();
  CryptoReplyWriter writer(out, 2, 1, 0);
  writer.fail_item(Code::denied);
  writer.finish();
  EXPECT_TRUE(parse_body(body_of(ByteView(out).first(first))));
  EXPECT_TRUE(parse_crypto_reply(body_of(ByteView(out).subspan(first))));
}

}  // namespace
}  // namespace nae::wire
