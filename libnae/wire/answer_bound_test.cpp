#include "libnae/wire/answer_bound.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "libnae/wire/frame.hpp"

namespace nae::wire {
namespace {

constexpr Limits kSmall{4096, 1000};

// A request of `count` items, as the other side parses it.
Result<CryptoRequestView> parsed(Bytes& frame, Action action, std::size_t count, ByteView item = {},
                                 const Limits& limits = kSmall) {
  const std::vector<ByteView> items(count, item);
  CryptoRequest request;
  request.header.action = action;
  request.items = items;
  frame.clear();
  append_crypto(frame, 1, request);
  return parse_crypto(ByteView(frame).subspan(kFrameHeaderBytes), limits);
}

// Agents of another time count with this number: a longer signature is another version of the
// protocol.
TEST(AnswerBound, OfSignaturesAndDigestsIsThatOfTheSpecification) {
  std::ifstream file(NAE_SOURCE_DIR "/docs/spec/wire.md");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  for (Action action : {Action::sign, Action::hash, Action::derive})
    EXPECT_NE(text.find("\n| " + std::string(name(action)) + " | " +
                        std::to_string(result_bound(action).constant_bytes) + " |\n"),
              text.npos)
        << name(action);
  for (const KeyTypeRow& type : key_types())
    EXPECT_LE(9u + type.signature_bytes, result_bound(Action::sign).constant_bytes) << type.name;
}

TEST(AnswerBound, IsRefusedBeforeAnythingIsDone) {
  Bytes frame;
  // 131,078 bytes, which any answer may have, hold 248 signatures.
  EXPECT_TRUE(parsed(frame, Action::sign, 248));
  const auto refused = parsed(frame, Action::sign, 249);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::too_many_items);
  // Where more may be answered, more may be asked for.
  EXPECT_TRUE(parsed(frame, Action::sign, 1000, {}, {1u << 20, 1000}));
}

TEST(AnswerBound, OfRandomIsWhatTheItemsWant) {
  Bytes frame;
  const Bytes thousand{0, 0, 4, 0}, huge{0xff, 0xff, 0xff, 0xff}, malformed{1, 2, 3};
  EXPECT_TRUE(parsed(frame, Action::random, 127, thousand));
  EXPECT_FALSE(parsed(frame, Action::random, 128, thousand));
  EXPECT_FALSE(parsed(frame, Action::random, 128, huge)) << "each of them is cut to the most";
  EXPECT_TRUE(parsed(frame, Action::random, 900, malformed)) << "refused item by item";
}

// What fits the request of an action whose values grow by less than an item may, fits the answer.
TEST(AnswerBound, NeverRefusesWhatTheLimitsAreMadeFor) {
  Bytes frame;
  for (Action action : {Action::encrypt, Action::decrypt, Action::rewrap, Action::mac,
                        Action::verify, Action::mac_verify})
    for (const Limits& limits : {Limits{1u << 20, 5'000}, Limits{4096, 60'000}, Limits{}})
      for (std::size_t item_bytes : {0, 1, 100}) {
        const Bytes item(item_bytes, 1);
        const std::size_t most = (limits.max_frame_bytes - 30) / (4 + item_bytes);
        const std::size_t count = std::min<std::size_t>(most, limits.max_items);
        EXPECT_TRUE(parsed(frame, action, count, item, limits))
            << name(action) << " " << count << " of " << item_bytes;
        EXPECT_LE(frame.size() - kFrameHeaderBytes, limits.max_frame_bytes);
      }
}

TEST(AnswerBound, OfEachItemAddsUpToThatOfAll) {
  Bytes frame;
  const Bytes item{0, 0, 0, 9};
  for (int number = 0; number < 256; ++number) {
    const auto action = action_from_wire(static_cast<std::uint8_t>(number));
    if (!action) continue;
    const auto view = parsed(frame, *action, 7, item, Limits{});
    ASSERT_TRUE(view) << name(*action);
    EXPECT_EQ(answer_bound(*action, view->items),
              kReplyFixedBytes + 7 * answer_bound(*action, item))
        << name(*action);
  }
}

}  // namespace
}  // namespace nae::wire
