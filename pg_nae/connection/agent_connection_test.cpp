#include "pg_nae/connection/agent_connection.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "pg_nae/connection/test_agent_socket.hpp"

namespace nae::backend {
namespace {

using wire::FrameType;

// A backend's connection, and the agent's end of it in the test's hand.
class AgentConnectionTest : public ::testing::Test {
 protected:
  AgentConnectionTest() {
    Failure failure;
    connection_.reset(AgentConnection::open(agent_.path().c_str(), failure));
    EXPECT_NE(connection_, nullptr) << failure.message;
    agent_.accept();
  }

  std::uint32_t open(std::uint32_t role = 1) {
    RoleKey key;
    key.effective = role;
    RoleClaimsView claims;
    claims.database = "db";
    claims.effective_role = "alice";
    return connection_->begin_open_context(key, claims, failure_);
  }
  bool ask(std::size_t items = 1) {
    const std::vector<ByteView> views(items, as_bytes("value"));
    wire::CryptoRequest request;
    request.header.action = Action::encrypt;
    request.header.key = "key";
    request.items = views;
    return connection_->begin_crypto(request, failure_);
  }
  // What the connection has to say; hello is answered at once.
  std::vector<testing::OwnedFrame> heard() {
    connection_->send_ahead();
    auto frames = agent_.received();
    if (frames.empty() || frames.front().header.type != FrameType::hello) return frames;
    wire::append_hello_reply(reply_, frames.front().header.request_id, {});
    frames.erase(frames.begin());
    return frames;
  }
  void answer(std::uint64_t id, std::uint32_t items = 1) {
    wire::CryptoReplyWriter writer(reply_, id, items, 0);
    for (std::uint32_t i = 0; i < items; ++i) {
      writer.begin_item(0);
      writer.finish_item(wire::ItemResult::null, 0);
    }
    writer.finish();
  }
  Progress deliver() {
    agent_.send(reply_);
    reply_.clear();
    return connection_->advance(true, failure_);
  }
  void expect_end(Code code) {
    EXPECT_EQ(failure_.code, code) << failure_.message;
    EXPECT_TRUE(connection_->in_exchange());  // so that it is dropped
  }

  testing::TestAgentSocket agent_;
  std::unique_ptr<AgentConnection> connection_;
  Failure failure_;
  Bytes reply_;
};

TEST(AgentConnectionOpen, FailsAtOnceWithoutAnAgent) {
  testing::TemporaryDirectory directory;
  Failure failure;
  EXPECT_EQ(AgentConnection::open((directory / "none").c_str(), failure), nullptr);
  EXPECT_EQ(failure.code, Code::agent_unavailable);
  EXPECT_EQ(AgentConnection::open("", failure), nullptr);
  EXPECT_EQ(failure.code, Code::config_invalid);
}

TEST_F(AgentConnectionTest, AsksInOneWriteAndKnowsTheLimitsAfterwards) {
  EXPECT_FALSE(connection_->limits_known());
  const std::uint32_t context = open();
  EXPECT_NE(context, 0u);
  ASSERT_TRUE(ask(3));
  auto frames = heard();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].header.type, FrameType::open_context);
  auto opened = wire::parse_open_context(frames[0].body);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->context, context);
  EXPECT_EQ(opened->role.effective_role, "alice");
  EXPECT_FALSE(opened->program);  // that is the agent's to say
  EXPECT_EQ(frames[1].header.type, FrameType::crypto);
  EXPECT_FALSE(connection_->reply_began());
  wire::append_context_opened(reply_, frames[0].header.request_id, context);
  answer(frames[1].header.request_id, 3);
  EXPECT_EQ(deliver(), Progress::done);
  EXPECT_EQ(connection_->crypto_reply().items.count(), 3u);
  EXPECT_FALSE(connection_->in_exchange());
  EXPECT_TRUE(connection_->limits_known() && connection_->reply_began());
  EXPECT_FALSE(connection_->refused(failure_));
}

TEST_F(AgentConnectionTest, KnowsThatNothingWasReadWhenItsPlaceIsGiven) {
  open();
  ASSERT_TRUE(ask());
  heard();
  wire::append_error(reply_, 0, {Error(Code::shutting_down, "gave its place"), 0});
  EXPECT_EQ(deliver(), Progress::failed);
  EXPECT_TRUE(connection_->gave_way());
  expect_end(Code::shutting_down);
}

TEST_F(AgentConnectionTest, AnotherEndIsNoPlaceThatWasGiven) {
  open();
  ASSERT_TRUE(ask());
  heard();
  wire::append_error(reply_, 0, {Error(Code::overloaded, "too much"), 0});
  EXPECT_EQ(deliver(), Progress::failed);
  EXPECT_FALSE(connection_->gave_way());
  expect_end(Code::overloaded);
}

TEST_F(AgentConnectionTest, TakesAnswersInAnyOrder) {
  for (std::size_t items : {1u, 2u, 3u}) ASSERT_TRUE(ask(items));
  auto frames = heard();
  ASSERT_EQ(frames.size(), 3u);
  for (std::size_t request : {2u, 0u, 1u}) {
    answer(frames[request].header.request_id, static_cast<std::uint32_t>(request + 1));
    ASSERT_EQ(deliver(), Progress::done);
    EXPECT_EQ(connection_->answered_request(), request);
    EXPECT_EQ(connection_->crypto_reply().items.count(), request + 1);
    EXPECT_EQ(connection_->in_exchange(), request != 1u);
  }
}

TEST_F(AgentConnectionTest, WaitsForTheRestOfAFrame) {
  ASSERT_TRUE(ask());
  auto frames = heard();
  ASSERT_EQ(frames.size(), 1u);
  answer(frames[0].header.request_id);
  const Bytes whole = std::exchange(reply_, {});
  for (Byte byte : ByteView(whole).first(whole.size() - 1)) {
    reply_ = {byte};
    ASSERT_EQ(deliver(), Progress::wants_to_read);
    ASSERT_TRUE(connection_->in_exchange());
  }
  EXPECT_TRUE(connection_->reply_began());
  reply_ = {whole.back()};
  EXPECT_EQ(deliver(), Progress::done);
}

TEST_F(AgentConnectionTest, ReadsNothingUnlessItIsThere) {
  ASSERT_TRUE(ask());
  heard();
  EXPECT_EQ(connection_->advance(false, failure_), Progress::wants_to_read);
  EXPECT_EQ(connection_->advance(true, failure_), Progress::wants_to_read);
}

TEST_F(AgentConnectionTest, StaysUsableAfterARefusedRequest) {
  ASSERT_TRUE(ask());
  auto frames = heard();
  ASSERT_EQ(frames.size(), 1u);
  wire::append_error(reply_, frames[0].header.request_id,
                     {Error(Code::limit_exceeded, "too much"), 1001});
  ASSERT_EQ(deliver(), Progress::done);
  Failure failure;
  ASSERT_TRUE(connection_->refused(failure));
  EXPECT_EQ(failure.code, Code::limit_exceeded);
  EXPECT_TRUE(std::string_view(failure.hint).ends_with("Try again in 2 s.")) << failure.hint;
  ASSERT_FALSE(connection_->in_exchange());
  ASSERT_TRUE(ask());
  frames = heard();
  ASSERT_EQ(frames.size(), 1u);
  answer(frames[0].header.request_id);
  EXPECT_EQ(deliver(), Progress::done);
  EXPECT_FALSE(connection_->refused(failure));
}

TEST_F(AgentConnectionTest, ForgetsAContextThatWasRefused) {
  RoleKey key;
  key.effective = 1;
  const std::uint32_t context = open();
  EXPECT_EQ(connection_->find_context(key), context);
  auto frames = heard();
  ASSERT_EQ(frames.size(), 1u);
  wire::append_error(reply_, frames[0].header.request_id, {Error(Code::denied, "no"), 0});
  EXPECT_EQ(deliver(), Progress::failed);
  expect_end(Code::denied);
  EXPECT_EQ(connection_->find_context(key), 0u);
}

TEST_F(AgentConnectionTest, RefusesAnotherNumberOfItems) {
  for (std::uint32_t items : {1u, 3u}) {
    ASSERT_TRUE(ask(2));
    auto frames = heard();
    ASSERT_FALSE(frames.empty());
    answer(frames.back().header.request_id, items);
    ASSERT_EQ(deliver(), Progress::failed);
    EXPECT_EQ(failure_.code, Code::protocol_violation);
  }
}

TEST_F(AgentConnectionTest, RefusesAnswersToWhatWasNotAsked) {
  ASSERT_TRUE(ask());
  auto frames = heard();
  ASSERT_EQ(frames.size(), 1u);
  answer(frames[0].header.request_id + 1);
  EXPECT_EQ(deliver(), Progress::failed);
  expect_end(Code::protocol_violation);
}

TEST_F(AgentConnectionTest, RefusesASecondAnswer) {
  ASSERT_TRUE(ask() && ask());
  auto frames = heard();
  ASSERT_EQ(frames.size(), 2u);
  answer(frames[0].header.request_id);
  ASSERT_EQ(deliver(), Progress::done);
  answer(frames[0].header.request_id);
  EXPECT_EQ(deliver(), Progress::failed);
  expect_end(Code::protocol_violation);
}

TEST_F(AgentConnectionTest, RefusesAnotherKindOfAnswer) {
  ASSERT_TRUE(ask());
  auto frames = heard();
  ASSERT_EQ(frames.size(), 1u);
  wire::append_context_opened(reply_, frames[0].header.request_id, 1);
  EXPECT_EQ(deliver(), Progress::failed);
  expect_end(Code::protocol_violation);
}

TEST_F(AgentConnectionTest, ReadsTheTableOfALookup) {
  ASSERT_TRUE(connection_->begin_lookup({1, wire::LookupSubject::whoami}, failure_));
  auto frames = heard();
  ASSERT_EQ(frames.size(), 1u);
  wire::append_lookup_reply(reply_, frames[0].header.request_id,
                            {{"property", "value"}, {{"role", std::nullopt}}});
  ASSERT_EQ(deliver(), Progress::done);
  ASSERT_EQ(connection_->lookup_reply().rows.size(), 1u);
  EXPECT_EQ(connection_->lookup_reply().rows[0][0], "role");
}

TEST_F(AgentConnectionTest, SaysWhatTheAgentSaidBeforeItHungUp) {
  ASSERT_TRUE(ask());
  heard();
  wire::append_error(reply_, 0, {Error(Code::shutting_down, "stops"), 0});
  agent_.send(reply_);
  agent_.hang_up();
  EXPECT_EQ(connection_->advance(false, failure_), Progress::wants_to_read);
  EXPECT_TRUE(connection_->peer_closed());
  EXPECT_EQ(connection_->advance(true, failure_), Progress::failed);
  expect_end(Code::shutting_down);
}

TEST_F(AgentConnectionTest, SaysThatTheAgentIsGone) {
  ASSERT_TRUE(ask());
  heard();
  agent_.hang_up();
  EXPECT_EQ(connection_->advance(true, failure_), Progress::failed);
  expect_end(Code::connection_lost);
  EXPECT_FALSE(connection_->reply_began());  // so it may be asked again
}

TEST_F(AgentConnectionTest, QueuesNoRequestPastTheLimits) {
  EXPECT_TRUE(ask(wire::kMaxItemsCeiling));
  EXPECT_FALSE(ask(wire::kMaxItemsCeiling + 1));
  EXPECT_EQ(failure_.code, Code::too_many_items);
}

TEST_F(AgentConnectionTest, ClosesTheContextThatMakesRoom) {
  const std::uint32_t first = open(0);
  for (std::uint32_t role = 1; role <= kMaxRoleContexts; ++role) EXPECT_NE(open(role), 0u);
  std::vector<std::uint32_t> closed;
  for (const testing::OwnedFrame& frame : heard())
    if (frame.header.type == FrameType::close_context)
      closed.push_back(wire::parse_context_number(frame.body).value_or(0));
  EXPECT_EQ(closed, std::vector{first});
}

TEST_F(AgentConnectionTest, GivesBackTheReplysMemory) {
  ASSERT_TRUE(ask());
  auto frames = heard();
  ASSERT_EQ(frames.size(), 1u);
  answer(frames[0].header.request_id);
  ASSERT_EQ(deliver(), Progress::done);
  connection_->release_reply();
  EXPECT_EQ(connection_->crypto_reply().items.count(), 0u);
}

}  // namespace
}  // namespace nae::backend
