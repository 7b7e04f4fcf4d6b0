#include "pg_nae/connection/agent_socket.hpp"

#include <gtest/gtest.h>

#include "pg_nae/connection/test_agent_socket.hpp"

namespace nae::backend {
namespace {

using testing::TemporaryDirectory;
using testing::TestAgentSocket;

// An absolute path of so many bytes in `directory`.
std::string path_of(const TemporaryDirectory& directory, std::size_t bytes) {
  std::string path = directory / "";
  path.resize(bytes, 's');
  return path;
}

TEST(AgentSocket, RefusesPathsThatNoSocketHas) {
  TemporaryDirectory directory;
  for (const std::string& path :
       {std::string(), path_of(directory, kMaxSocketPathBytes + 1), path_of(directory, 5000)}) {
    auto socket = AgentSocket::connect(path.c_str());
    ASSERT_FALSE(socket) << path.size();
    EXPECT_EQ(socket.error().code, Code::config_invalid);
    EXPECT_NE(socket.error().hint.find("nae.agent_socket"), std::string::npos);
  }
}

TEST(AgentSocket, TakesTheLongestPath) {
  TemporaryDirectory directory;
  const std::string path = path_of(directory, kMaxSocketPathBytes);
  const int listening = testing::listen_at(path);
  auto socket = AgentSocket::connect(path.c_str());
  EXPECT_TRUE(socket) << socket.error().message;
  ::close(listening);
}

TEST(AgentSocket, SaysWhereNobodyListens) {
  TemporaryDirectory directory;
  const std::string path = directory / "agent.sock";
  auto none = AgentSocket::connect(path.c_str());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::agent_unavailable);
  EXPECT_NE(none.error().message.find(path), std::string::npos);
  ::close(testing::listen_at(path));  // the file stays, its listener is gone
  auto gone = AgentSocket::connect(path.c_str());
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Code::agent_unavailable);
}

// Another try is worth it: the agent is there.
TEST(AgentSocket, TellsAFullQueueFromAnAbsentAgent) {
  TemporaryDirectory directory;
  const std::string path = directory / "agent.sock";
  const int listening = testing::listen_at(path, 0);
  std::vector<AgentSocket> waiting;
  std::optional<Error> refused;
  for (int i = 0; i < 16 && !refused; ++i) {
    auto socket = AgentSocket::connect(path.c_str());
    if (socket)
      waiting.push_back(*std::move(socket));
    else
      refused = socket.error();
  }
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, Code::overloaded);
  ::close(listening);
}

TEST(AgentSocket, MovesBytesAndNeverWaits) {
  TestAgentSocket agent;
  auto socket = AgentSocket::connect(agent.path().c_str());
  ASSERT_TRUE(socket);
  agent.accept();
  Bytes space(16);
  auto nothing = socket->receive(space);
  ASSERT_TRUE(nothing);
  EXPECT_EQ(*nothing, 0u);
  agent.send(as_bytes("hello"));
  auto got = socket->receive(space);
  ASSERT_TRUE(got);
  EXPECT_EQ(as_text(ByteView(space).first(*got)), "hello");
  // Until the socket is full, which is no failure.
  const Bytes block(64 << 10);
  std::size_t sent = 0;
  Result<std::size_t> step = socket->send(block);
  for (int i = 0; i < 1000 && step && *step > 0; ++i) {
    sent += *step;
    step = socket->send(block);
  }
  ASSERT_TRUE(step);
  EXPECT_EQ(*step, 0u);
  EXPECT_GT(sent, 0u);
}

TEST(AgentSocket, SaysThatThePeerIsGone) {
  TestAgentSocket agent;
  auto socket = AgentSocket::connect(agent.path().c_str());
  ASSERT_TRUE(socket);
  agent.accept();
  EXPECT_FALSE(socket->peer_closed());
  agent.send(as_bytes("last"));
  agent.hang_up();
  EXPECT_TRUE(socket->peer_closed());  // although something is still to be read
  Bytes space(16);
  auto last = socket->receive(space);
  ASSERT_TRUE(last);
  EXPECT_EQ(*last, 4u);
  auto gone = socket->receive(space);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Code::connection_lost);
  auto sent = socket->send(as_bytes("x"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::connection_lost);
}

}  // namespace
}  // namespace nae::backend
