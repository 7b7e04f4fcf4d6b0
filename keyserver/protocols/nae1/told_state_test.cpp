// What agents are told of the server's state, by the version that they speak.
#include "keyserver/operations/told_state.hpp"

#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::nae1 {
namespace {

using net::testing::BlockingClient;
using net::testing::must;
using testing::kPolicyText;
using testing::ServiceTestServer;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

// An agent, as far as hello.
class Greeting {
 public:
  Greeting(ServiceTestServer& server, std::uint16_t highest_version)
      : socket_(must(BlockingClient::connect_tls(server.device(), server.port()))) {
    wire::Hello hello;
    hello.highest_version = highest_version;
    Bytes frame;
    wire::append_hello(frame, 1, hello);
    if (auto written = socket_.write(frame); !written) throw std::runtime_error("write");
    wire::Frame reply = next();
    reply_ = must(wire::parse_hello_reply(reply.body));
  }
  const wire::HelloReply& reply() const { return reply_; }
  wire::Frame next() {
    for (;;) {
      if (auto frame = must(frames_.next())) return *frame;
      frames_.commit(must(socket_.read_some(frames_.prepare(4096))));
    }
  }
  void ping() {
    Bytes frame;
    wire::append_empty_frame(frame, wire::FrameType::ping, 9);
    if (auto written = socket_.write(frame); !written) throw std::runtime_error("write");
  }

 private:
  BlockingClient socket_;
  wire::FrameAssembler frames_{4096};
  wire::HelloReply reply_;
};

crypto::Sha256Digest state(char name) {
  crypto::Sha256Digest digest;
  digest.fill(static_cast<Byte>(name));
  return digest;
}

// It is behind the one in charge for a moment after each change.
TEST(ToldState, OneThatFollowsTellsNone) {
  ServiceTestServer server;
  server.follow();
  server.set_state('x');
  Greeting agent(server, 2);
  EXPECT_EQ(agent.reply().version, 1);
  EXPECT_FALSE(agent.reply().state);
}

TEST(ToldState, AnAgentIsToldAtHelloAndAfterEachChange) {
  ServiceTestServer server;
  server.set_state('x');
  Greeting agent(server, 2);
  EXPECT_EQ(agent.reply().version, 2);
  EXPECT_EQ(agent.reply().state, state('x'));
  for (char name : {'y', 'z'}) {  // and says nothing itself
    server.set_state(name);
    const wire::Frame told = agent.next();
    EXPECT_EQ(told.header.type, wire::FrameType::state);
    EXPECT_EQ(*wire::parse_state(told.body), state(name));
  }
}

TEST(ToldState, AnIdleAgentLearnsOfAnEpochWithIt) {
  ServiceTestServer server;
  Greeting agent(server, 2);
  server.apply(kPolicyText);
  server.set_state('y');
  EXPECT_EQ(agent.next().header.type, wire::FrameType::epoch);
  EXPECT_EQ(agent.next().header.type, wire::FrameType::state);
}

TEST(ToldState, AnAgentOfVersion1IsToldNoState) {
  ServiceTestServer server;
  server.set_state('x');
  Greeting agent(server, 1);
  EXPECT_EQ(agent.reply().version, 1);
  EXPECT_EQ(agent.reply().state, std::nullopt);
  server.set_state('y');
  agent.ping();
  EXPECT_EQ(agent.next().header.type, wire::FrameType::pong);
}

const wire::NodeList kNodes{"ks1", {{"ks2", "10.0.0.2:7443"}}};

TEST(ToldNodes, AnAgentIsToldAtHelloAndAfterEachChange) {
  ServiceTestServer server;
  server.set_state('x');
  server.set_nodes(kNodes);
  Greeting agent(server, 3);
  EXPECT_EQ(agent.reply().version, 3);
  EXPECT_EQ(agent.reply().state, state('x'));
  EXPECT_EQ(agent.reply().nodes, kNodes);
  for (const char* address : {"10.0.0.3:7443", "10.0.0.4:7443"}) {  // and says nothing itself
    const wire::NodeList now{"ks1", {{"ks2", address}}};
    server.set_nodes(now);
    const wire::Frame told = agent.next();
    EXPECT_EQ(told.header.type, wire::FrameType::nodes);
    EXPECT_EQ(*wire::parse_node_list(told.body), now);
  }
  server.set_state('y');
  EXPECT_EQ(agent.next().header.type, wire::FrameType::state);
}

TEST(ToldNodes, OneThatFollowsTellsThemAndNoState) {
  ServiceTestServer server;
  server.follow();
  server.set_nodes(kNodes);
  Greeting agent(server, 3);
  EXPECT_EQ(agent.reply().version, 3);
  EXPECT_FALSE(agent.reply().state);
  EXPECT_EQ(agent.reply().nodes, kNodes);
  server.set_state('y');
  agent.ping();
  EXPECT_EQ(agent.next().header.type, wire::FrameType::pong);
}

TEST(ToldNodes, AnAgentOfAnOldVersionIsToldOfNobody) {
  for (const std::uint16_t version : {1, 2}) {
    ServiceTestServer server;
    server.set_nodes(kNodes);
    Greeting agent(server, version);
    EXPECT_EQ(agent.reply().version, version);
    EXPECT_EQ(agent.reply().nodes, wire::NodeList{});
    server.set_nodes({"ks1", {}});
    agent.ping();
    EXPECT_EQ(agent.next().header.type, wire::FrameType::pong);
  }
}

TEST(ToldState, AnAgentOfALaterVersionIsAnsweredInVersion3) {
  ServiceTestServer server;
  EXPECT_EQ(Greeting(server, 7).reply().version, 3);
}

}  // namespace
}  // namespace nae::nae1
