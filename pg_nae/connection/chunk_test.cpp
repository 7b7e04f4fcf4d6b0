#include "pg_nae/connection/chunk.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "libnae/wire/answer_bound.hpp"

namespace nae::backend {
namespace {

constexpr wire::Limits kLimits{64 << 10, 100};

// Requests of items that are all alike.
struct Items {
  Bytes bytes;
  std::vector<ByteView> views;
  Items(std::size_t count, std::size_t item_bytes) : bytes(item_bytes), views(count, bytes) {}
};

wire::CryptoRequest request(Action action, const Items& items) {
  wire::CryptoRequest request;
  request.header.action = action;
  request.header.key = "key";
  request.items = items.views;
  return request;
}

TEST(ItemsThatFit, AreAsManyAsTheLimitOfItems) {
  const Items exactly(kLimits.max_items, 1), more(kLimits.max_items + 1, 1);
  EXPECT_EQ(items_that_fit(request(Action::encrypt, exactly), 0, kLimits), kLimits.max_items);
  EXPECT_EQ(items_that_fit(request(Action::encrypt, more), 0, kLimits), kLimits.max_items);
  EXPECT_EQ(items_that_fit(request(Action::encrypt, more), kLimits.max_items, kLimits), 1u);
  EXPECT_EQ(items_that_fit(request(Action::encrypt, more), kLimits.max_items + 1, kLimits), 0u);
}

TEST(ItemsThatFit, IsNoneWhenTheFirstIsTooLarge) {
  const Items large(1, kLimits.max_frame_bytes);
  EXPECT_EQ(items_that_fit(request(Action::encrypt, large), 0, kLimits), 0u);
  EXPECT_EQ(items_that_fit(request(Action::decrypt, large), 0, kLimits), 0u);
}

// What it says fits is what the frame holds: at every size of items, whatever else travels along.
TEST(ItemsThatFit, FitTheFrameAndItsAnswer) {
  for (Action action : {Action::encrypt, Action::decrypt, Action::mac, Action::verify}) {
    for (std::size_t item_bytes : {0, 1, 100, 1000, 5000, 20'000, 65'000}) {
      const Items items(50, item_bytes), seconds(50, 100);
      for (std::size_t aad_count : {0, 1, 50}) {
        const Items aad(aad_count, 300);
        wire::CryptoRequest whole = request(action, items);
        if (action == Action::verify) whole.seconds = seconds.views;
        whole.aad = aad.views;
        const std::size_t count = items_that_fit(whole, 0, kLimits);
        if (count == 0) {
          EXPECT_GT(item_bytes, 60'000u);
          continue;
        }
        const auto part = part_of(whole, 0, count);
        EXPECT_LE(wire::crypto_frame_bytes(part) - wire::kFrameHeaderBytes,
                  kLimits.max_frame_bytes);
        std::uint64_t answered = wire::kReplyFixedBytes;
        for (ByteView item : part.items) answered += wire::answer_bound(action, item);
        EXPECT_LE(answered, wire::max_reply_bytes(kLimits));
      }
    }
  }
}

TEST(MaxItemBytes, FitsAndOneFrameLessDoesNot) {
  const Items most(1, max_item_bytes(kLimits)), more(1, kLimits.max_frame_bytes + 1);
  for (Action action : {Action::encrypt, Action::decrypt, Action::rewrap})
    EXPECT_EQ(items_that_fit(request(action, most), 0, kLimits), 1u) << name(action);
  EXPECT_EQ(items_that_fit(request(Action::encrypt, more), 0, kLimits), 0u);
}

// Not a number that has wrapped around.
TEST(MaxItemBytes, IsNothingUnderLimitsThatHoldNothing) {
  EXPECT_EQ(max_item_bytes({0, 1}), 0u);
  EXPECT_EQ(max_item_bytes({500, 1}), 0u);
  EXPECT_LT(max_item_bytes({wire::kMaxFrameBytesBeforeHello, 1}), wire::kMaxFrameBytesBeforeHello);
}

TEST(PartOf, TakesTheSameItemsOfEachColumn) {
  const Items items(10, 1), seconds(10, 2), each(10, 3), all(1, 3);
  wire::CryptoRequest whole = request(Action::verify, items);
  whole.seconds = seconds.views;
  whole.aad = each.views;
  auto part = part_of(whole, 4, 3);
  EXPECT_EQ(part.items.data(), whole.items.data() + 4);
  EXPECT_EQ(part.items.size(), 3u);
  EXPECT_EQ(part.seconds.data(), whole.seconds.data() + 4);
  EXPECT_EQ(part.seconds.size(), 3u);
  EXPECT_EQ(part.aad.data(), whole.aad.data() + 4);
  EXPECT_EQ(part.aad.size(), 3u);
  // One for all goes with each part.
  whole.aad = all.views;
  part = part_of(whole, 9, 1);
  EXPECT_EQ(part.aad.data(), whole.aad.data());
  EXPECT_EQ(part.aad.size(), 1u);
}

}  // namespace
}  // namespace nae::backend
