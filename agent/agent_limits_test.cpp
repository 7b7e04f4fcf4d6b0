// What the agent refuses: malformed frames, unknown contexts, more than its limits.
#include <future>

#include "agent/test_agent.hpp"
#include "libnae/base/test_eventually.hpp"

namespace nae::agent {
namespace {

using namespace testing;

class RawClientTest : public AgentTest {
 protected:
  Error error_for(ByteView bytes, bool after_hello) {
    Backend b = backend();
    if (after_hello) b.statistic("clients");
    must_do(b.socket().write(bytes));
    for (;;) {
      auto frame = b.session().next_reply();
      if (!frame) return frame.error();
      if (*frame) {
        auto error = client::as_error(**frame);
        EXPECT_EQ(b.socket().read(1).error().message, "closed");
        return error ? error->error : Error(Code::internal, "answered");
      }
      auto got = b.socket().read_some(b.session().receive_space());
      if (!got) return got.error();
      b.session().received(*got);
    }
  }
  Bytes frame(wire::FrameType type, std::string_view body) {
    Bytes out;
    std::size_t at = wire::begin_frame(out, type, 9);
    ByteWriter(out).raw(as_bytes(body));
    wire::finish_frame(out, at);
    return out;
  }
};

TEST_F(RawClientTest, MalformedFramesEndTheClientAlone) {
  auto& server = serve(always(Act::answer));
  start();
  Backend good = backend();
  auto context = good.open("alice");
  must(good.ask(context, Action::decrypt, "value"));

  using T = wire::FrameType;
  EXPECT_EQ(error_for(as_bytes(std::string(64, 'x')), false).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::crypto, "early"), false).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::hello, "short"), false).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::hello, std::string(4097, 'x')), false).code, Code::frame_too_large);
  EXPECT_EQ(error_for(as_bytes(std::string(64, 'x')), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::crypto, "short"), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::crypto, std::string(500, '\xff')), true).code,
            Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::open_context, "short"), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::close_context, "x"), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::lookup, "x"), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::hello, "again"), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::crypto_reply, ""), true).code, Code::protocol_violation);
  Bytes oversized = frame(T::crypto, "x");
  store_big_endian(oversized.data(), wire::kMaxFrameBytesDefault + 1);
  EXPECT_EQ(error_for(oversized, true).code, Code::frame_too_large);

  wire::OpenContext forged;
  forged.context = 1;
  forged.program.emplace().name = "postgres";
  Bytes open;
  wire::append_open_context(open, 9, forged);
  EXPECT_EQ(error_for(open, true).code, Code::protocol_violation);

  EXPECT_EQ(must(good.ask(context, Action::decrypt, "still here")), "still here");
  EXPECT_EQ(server.requests, 2);
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(RawClientTest, HalfAFrameHasItsTime) {
  config_.limits.request_timeout = 200ms;
  serve(always(Act::answer));
  start();
  Bytes half = frame(wire::FrameType::crypto, std::string(500, 'x'));
  half.resize(100);
  EXPECT_EQ(error_for(half, true).code, Code::timeout);
}

TEST_F(RawClientTest, OneProcessDoesNotTakeAllMemory) {
  config_.limits.max_buffered_bytes = 4 << 20;
  config_.limits.wire.max_frame_bytes = 1 << 20;
  serve(always(Act::answer));
  start();
  wait_for("upstream.1.state", "ready");
  Bytes half = frame(wire::FrameType::crypto, "x");
  store_big_endian(half.data(), std::uint32_t{1} << 20);
  Backend first = backend();
  first.statistic("clients");
  must_do(first.socket().write(half));
  // The process may have one frame under way at a time, and this is its second.
  EXPECT_EQ(error_for(half, true).code, Code::overloaded);
}

TEST_F(AgentTest, UnknownContextsFailTheRequestOnly) {
  serve(always(Act::answer));
  start();
  Backend b = backend();
  EXPECT_EQ(b.ask(99, Action::decrypt, "x").error().code, Code::context_unknown);
  auto context = b.open("alice");
  EXPECT_EQ(must(b.ask(context, Action::decrypt, "x")), "x");
  b.session().close_context(context);
  EXPECT_EQ(b.ask(context, Action::decrypt, "x").error().code, Code::context_unknown);
}

TEST_F(AgentTest, LimitsAreTheSmallerOfAllThree) {
  wire::Limits server_limits{1 << 20, 10};
  serve(always(Act::answer), server_limits);
  start();
  wait_for("upstream.1.state", "ready");
  Backend b = backend();
  b.statistic("clients");
  EXPECT_EQ(b.session().limits().max_frame_bytes, 1u << 20);
  EXPECT_EQ(b.session().limits().max_items, 10u);
}

// An answer may be longer than a request: what the key server may send, the agent passes on.
TEST_F(AgentTest, AnswersAreAsLongAsTheKeyServerMayMakeThem) {
  auto& server = serve(always(Act::answer), {4096, 1000});
  start();
  wait_for("upstream.1.state", "ready");
  Backend b = backend();
  const auto context = b.open("alice");
  const std::vector<ByteView> items(900);
  wire::CryptoRequest request;
  request.header.context = context;
  request.header.action = Action::mac;
  request.header.key = "key";
  request.items = items;
  must(b.session().crypto(request));
  const auto answered = must(b.answer());
  ASSERT_FALSE(client::as_error(answered.second))
      << client::as_error(answered.second)->error.message;
  EXPECT_GT(answered.second.body.size(), 4096u);
  EXPECT_EQ(server.requests, 1);
}

// What could be answered at too great length is not signed to be thrown away.
TEST_F(AgentTest, ARequestWhoseAnswerCouldBeTooLongIsNotForwarded) {
  auto& server = serve(always(Act::answer), {4096, 1000});
  start();
  wait_for("upstream.1.state", "ready");
  Backend b = backend();
  const auto context = b.open("alice");
  const std::vector<ByteView> items(300);
  wire::CryptoRequest request;
  request.header.context = context;
  request.header.action = Action::sign;
  request.header.key = "key";
  request.items = items;
  must(b.session().crypto(request));
  const auto error = client::as_error(must(b.answer()).second);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error.code, Code::too_many_items);
  EXPECT_EQ(server.requests, 0);
  EXPECT_EQ(must(b.ask(context, Action::sign, "x")), "x") << "the connection goes on";
}

TEST_F(AgentTest, ContextsOfAClientAreBoundedInBytes) {
  serve(always(Act::answer));
  start();
  Backend b = backend();
  wire::OpenContext open;
  open.role.effective_role = "alice";
  open.role.memberships.assign(8, std::string(60'000, 'r'));
  for (open.context = 1; open.context <= 18; ++open.context) b.session().open_context(open);
  EXPECT_EQ(client::as_error(must(b.answer()).second)->error.code, Code::overloaded);
  EXPECT_EQ(b.ask(18, Action::decrypt, "x").error().code, Code::context_unknown);
  b.session().close_context(1);
  open.context = 19;
  b.session().open_context(open);
  EXPECT_EQ(must(b.ask(19, Action::decrypt, "x")), "x");
}

TEST_F(AgentTest, AContextTooLongForTheServerCostsNobodyElse) {
  auto& server = serve(always(Act::answer), {8192, 10});
  start();
  wait_for("upstream.1.state", "ready");
  Backend good = backend();
  auto context = good.open("alice");
  EXPECT_EQ(must(good.ask(context, Action::sign, "x")), "x");
  Backend b = backend();
  wire::OpenContext open;
  open.context = 1;
  open.role.effective_role = "bob";
  open.role.memberships.assign(1, std::string(8120, 'r'));  // the attestation does not fit as well
  b.session().open_context(open);
  EXPECT_EQ(b.ask(1, Action::sign, "x").error().code, Code::frame_too_large);
  EXPECT_EQ(must(good.ask(context, Action::sign, "x")), "x");
  EXPECT_EQ(server.opened().size(), 1u);
}

TEST_F(AgentTest, BufferedBytesAreBounded) {
  config_.limits.max_buffered_bytes = 1 << 20;
  serve(always(Act::hold));
  start();
  Backend b = backend();
  auto context = b.open("alice");
  b.request(context, Action::decrypt, std::string(900'000, 'x'));
  auto second = b.request(context, Action::decrypt, std::string(900'000, 'x'));
  auto answered = must(b.answer());
  EXPECT_EQ(answered.first, second);
  EXPECT_EQ(client::as_error(answered.second)->error.code, Code::overloaded);
}

TEST_F(AgentTest, OneClientLeavesRoomForOthers) {
  config_.limits.max_buffered_bytes = 4 << 20;
  config_.limits.wire.max_frame_bytes = 1 << 20;
  config_.limits.stop_timeout = 10ms;
  auto& server = serve([](const wire::CryptoRequestView& request) {
    return request.header.action == Action::sign ? Act::hold : Act::answer;
  });
  start();
  wait_for("upstream.1.state", "ready");
  const std::string value(900'000, 'x');
  Backend greedy = backend();
  auto held = greedy.open("greedy");
  for (int i = 0; i < 10; ++i) greedy.request(held, Action::sign, value);
  auto sending = std::async(std::launch::async, [&] { return greedy.send(); });
  ASSERT_TRUE(eventually([&] { return server.requests >= 2; }));
  Backend b = backend();
  auto context = b.open("alice");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(must(b.ask(context, Action::decrypt, value)), value);
  EXPECT_EQ(server.requests, 2 + 5);
  ::shutdown(greedy.socket().descriptor(), SHUT_RDWR);
  EXPECT_FALSE(sending.get());
}

TEST_F(AgentTest, ClientsPastTheirShareGoOnWhenTheyAreAnswered) {
  config_.limits.max_buffered_bytes = 4 << 20;
  config_.limits.wire.max_frame_bytes = 1 << 20;
  serve(always(Act::answer));
  start();
  wait_for("upstream.1.state", "ready");
  Backend b = backend();
  auto context = b.open("alice");
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 4; ++i)
    ids.push_back(b.request(context, Action::decrypt, std::string(900'000, 'x')));
  for (std::uint64_t id : ids) EXPECT_EQ(must(b.answer()).first, id);
}

TEST_F(AgentTest, OutstandingRequestsOfAClientAreBounded) {
  config_.limits.max_outstanding_per_client = 4;
  auto& server = serve(always(Act::answer));
  start();
  Backend b = backend();
  auto context = b.open("alice");
  constexpr int kRequests = 100;
  for (int i = 0; i < kRequests; ++i) b.request(context, Action::decrypt, std::to_string(i));
  for (int i = 0; i < kRequests; ++i) must(b.answer());
  EXPECT_EQ(server.requests, kRequests);
}

}  // namespace
}  // namespace nae::agent
