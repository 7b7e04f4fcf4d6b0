#include "libnae/client/session.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace nae::client {
namespace {

using wire::FrameType;

void give(Session& session, ByteView bytes) {
  ByteSpan space = session.receive_space(bytes.size());
  std::copy(bytes.begin(), bytes.end(), space.begin());
  session.received(bytes.size());
}

Bytes hello_reply(const wire::Limits& limits = {}, std::uint64_t epoch = 17) {
  Bytes out;
  wire::append_hello_reply(out, 1, {1, limits, "server", "eu-1", epoch});
  return out;
}

Session ready_session(const wire::Limits& limits = {}) {
  Session session("test");
  give(session, hello_reply(limits));
  auto none = session.next_reply();
  EXPECT_TRUE(none && !*none);
  EXPECT_TRUE(session.ready());
  session.sent(session.output().size());
  return session;
}

wire::CryptoRequest request_of(std::span<const ByteView> items) {
  return {{5, Action::encrypt, 0, "k", 0}, items, {}, {}};
}

TEST(Session, SaysHelloFirstTogetherWithWhatFollows) {
  Session session("test");
  ByteView one[] = {as_bytes("x")};
  EXPECT_EQ(session.open_context({}), 2u);
  EXPECT_EQ(*session.crypto(request_of(one)), 3u);
  EXPECT_EQ(session.lookup({5, wire::LookupSubject::whoami}), 4u);
  wire::FrameAssembler server(wire::kMaxFrameBytesDefault);
  ByteView output = session.output();
  std::copy(output.begin(), output.end(), server.prepare(output.size()).begin());
  server.commit(output.size());
  std::uint64_t id = 1;
  for (FrameType type :
       {FrameType::hello, FrameType::open_context, FrameType::crypto, FrameType::lookup}) {
    auto frame = server.next();
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ((*frame)->header.type, type);
    EXPECT_EQ((*frame)->header.request_id, id++);
  }
}

TEST(Session, TakesLimitsAndEpochFromTheServer) {
  Session session = ready_session({5000, 7});
  EXPECT_EQ(session.limits().max_frame_bytes, 5000u);
  EXPECT_EQ(session.limits().max_items, 7u);
  EXPECT_EQ(session.epoch(), 17u);
  EXPECT_EQ(session.server()->server_id, "eu-1");
  Bytes epoch;
  wire::append_epoch(epoch, 18);
  give(session, epoch);
  EXPECT_FALSE(*session.next_reply());
  EXPECT_EQ(session.epoch(), 18u);
}

TEST(Session, DropsWhatWasSent) {
  Session session("test");
  std::size_t size = session.output().size();
  EXPECT_TRUE(session.mid_frame());
  session.sent(size - 1);
  EXPECT_EQ(session.output().size(), 1u);
  EXPECT_TRUE(session.mid_frame());
  session.sent(1);
  EXPECT_TRUE(session.output().empty());
  EXPECT_FALSE(session.mid_frame());
}

TEST(Session, KnowsAReplyThatWasReadInPart) {
  Session session = ready_session();
  Bytes pong;
  wire::append_empty_frame(pong, FrameType::pong, 2);
  give(session, ByteView(pong).first(5));
  EXPECT_FALSE(*session.next_reply());
  EXPECT_TRUE(session.mid_frame());
  give(session, ByteView(pong).subspan(5));
  EXPECT_TRUE(*session.next_reply());
  EXPECT_FALSE(session.mid_frame());
}

TEST(Session, AnswersPings) {
  Session session = ready_session();
  Bytes ping, pong;
  wire::append_empty_frame(ping, FrameType::ping, 9);
  wire::append_empty_frame(pong, FrameType::pong, 9);
  give(session, ping);
  EXPECT_FALSE(*session.next_reply());
  EXPECT_TRUE(std::ranges::equal(session.output(), pong));
}

TEST(Session, HandsOutEveryKindOfReplyInOrder) {
  Session session = ready_session();
  Bytes out;
  wire::append_context_opened(out, 2, 5);
  wire::CryptoReplyWriter writer(out, 3, 1, 0);
  writer.fail_item(Code::denied);
  writer.finish();
  wire::append_error(out, 4, {{Code::denied, "no", ""}, 0});
  wire::append_lookup_reply(out, 5, {{"c"}, {}});
  give(session, out);
  for (std::uint64_t id = 2; id <= 5; ++id)
    EXPECT_EQ((*session.next_reply())->header.request_id, id);
  EXPECT_FALSE(*session.next_reply());
}

TEST(Session, RefusesAnythingBeforeHelloIsAnswered) {
  for (int type = 3; type <= 13; ++type) {
    if (static_cast<FrameType>(type) == FrameType::error) continue;
    Session session("test");
    Bytes frame;
    wire::append_empty_frame(frame, static_cast<FrameType>(type), 1);
    give(session, frame);
    auto reply = session.next_reply();
    ASSERT_FALSE(reply) << type;
    EXPECT_EQ(reply.error().code, Code::protocol_violation);
    EXPECT_FALSE(session.ready());
  }
}

TEST(Session, PassesOnWhyHelloWasRefused) {
  Session session("test");
  Bytes frame;
  wire::append_error(frame, 1, {{Code::unsupported_version, "too new", ""}, 0});
  give(session, frame);
  auto reply = session.next_reply();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::unsupported_version);
}

TEST(Session, RefusesFramesThatOnlyTheAskingSideSends) {
  for (FrameType type : {FrameType::hello, FrameType::hello_reply, FrameType::open_context,
                         FrameType::close_context, FrameType::crypto, FrameType::lookup}) {
    Session session = ready_session();
    Bytes frame;
    wire::append_empty_frame(frame, type, 2);
    give(session, frame);
    EXPECT_EQ(session.next_reply().error().code, Code::protocol_violation);
  }
}

TEST(Session, RefusesGarbageAndMalformedEpochs) {
  Session garbage = ready_session();
  give(garbage, as_bytes("HTTP/1.1 400 Bad Request"));
  EXPECT_FALSE(garbage.next_reply());
  Session session = ready_session();
  Bytes frame;
  wire::append_empty_frame(frame, FrameType::epoch, 0);
  give(session, frame);
  EXPECT_FALSE(session.next_reply());
}

TEST(Session, RefusesOversizedReplies) {
  Session session("test", {8192, 2});
  Byte header[16] = {0, 0xff, 0, 0, static_cast<Byte>(FrameType::crypto_reply)};
  give(session, header);
  EXPECT_EQ(session.next_reply().error().code, Code::frame_too_large);
}

TEST(Session, HoldsTheItemLimitExactly) {
  Session session = ready_session({1u << 20, 2});
  ByteView items[] = {{}, {}, {}};
  EXPECT_TRUE(session.crypto(request_of(std::span(items).first(2))));
  session.sent(session.output().size());
  auto over = session.crypto(request_of(items));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::too_many_items);
  EXPECT_TRUE(session.output().empty());
}

TEST(Session, HoldsTheFrameLimitExactly) {
  Session session = ready_session({8192, 2});
  Bytes value(8192);
  ByteView empty[] = {{}};
  std::size_t fixed = wire::crypto_frame_bytes(request_of(empty)) - wire::kFrameHeaderBytes;
  ByteView at_limit[] = {ByteView(value).first(8192 - fixed)};
  ByteView past[] = {ByteView(value).first(8193 - fixed)};
  EXPECT_TRUE(session.crypto(request_of(at_limit)));
  session.sent(session.output().size());
  auto over = session.crypto(request_of(past));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::frame_too_large);
  EXPECT_TRUE(session.output().empty());
}

TEST(AsError, ReadsErrorsOnly) {
  Bytes bytes;
  wire::append_error(bytes, 3, {{Code::denied, "no", ""}, 7});
  ByteView body = ByteView(bytes).subspan(wire::kFrameHeaderBytes);
  auto message = as_error({{0, FrameType::error, 3}, body});
  ASSERT_TRUE(message);
  EXPECT_EQ(message->error.code, Code::denied);
  EXPECT_FALSE(as_error({{0, FrameType::pong, 3}, body}));
  auto malformed = as_error({{0, FrameType::error, 3}, body.first(3)});
  EXPECT_EQ(malformed->error.code, Code::protocol_violation);
}

}  // namespace
}  // namespace nae::client
