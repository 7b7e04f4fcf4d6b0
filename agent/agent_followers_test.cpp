// Key servers of a group that follow: they leave what is counted to the one in charge.
#include "agent/avoided_servers.hpp"
#include "agent/test_agent.hpp"

namespace nae::agent {
namespace {

using namespace testing;
using Clock = std::chrono::steady_clock;

class AgentFollowersTest : public AgentTest {
 protected:
  // Reads alone; what it leaves to another one it says to be so.
  ScriptedServer& serve_as_follower() {
    auto& server = serve([this](const wire::CryptoRequestView& request) {
      const bool reads = request.header.action == Action::decrypt;
      if (!reads) ++left_;
      return reads ? Act::answer : Act::failure;
    });
    server.failure = Code::server_unavailable;
    return server;
  }
  std::atomic<int> left_ = 0;
};

TEST_F(AgentFollowersTest, UsesGoToTheOneInChargeAndReadsToAll) {
  auto& first = serve_as_follower();
  auto& second = serve_as_follower();
  auto& in_charge = serve(always(Act::answer));
  start_with_all_ready();
  Backend b = backend();
  auto context = b.open("alice");
  const auto begun = Clock::now();
  for (int i = 0; i < 300; ++i) {
    const Action action = i % 5 == 0   ? Action::encrypt
                          : i % 5 == 1 ? Action::sign
                                       : Action::decrypt;
    ASSERT_EQ(must(b.ask(context, action, "value")), "value");
  }
  EXPECT_GE(in_charge.requests, 120);
  EXPECT_GT(first.requests, 10) << "it is not avoided";
  EXPECT_GT(second.requests, 10);
  // Each once, and again when that was some seconds ago.
  EXPECT_LE(left_, 2 * (1 + (Clock::now() - begun) / AvoidedServers::kTime));
}

TEST_F(AgentFollowersTest, WhileNobodyIsInChargeUsesWait) {
  std::atomic<bool> taken = false;
  auto& server =
      serve([&](const wire::CryptoRequestView&) { return taken ? Act::answer : Act::failure; });
  server.failure = Code::server_unavailable;
  serve_as_follower();
  start_with_all_ready();
  Backend b = backend();
  auto context = b.open("alice");
  const auto id = b.request(context, Action::encrypt, "value");
  std::thread later([&] {
    EXPECT_TRUE(eventually([&] { return server.requests > 2; }));
    taken = true;
  });
  const auto answered = must(b.answer());
  later.join();
  EXPECT_EQ(answered.first, id);
  EXPECT_FALSE(client::as_error(answered.second));
}

TEST_F(AgentFollowersTest, ForSoLongAsARequestWaitsForAServer) {
  config_.limits.unavailable_wait = 500ms;
  serve_as_follower();
  serve_as_follower();
  start_with_all_ready();
  Backend b = backend();
  const auto begun = Clock::now();
  const auto answer = b.ask(b.open("alice"), Action::encrypt, "value");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::server_unavailable);
  EXPECT_EQ(answer.error().message, "script") << "what the follower said";
  EXPECT_GE(Clock::now() - begun, 500ms);
  EXPECT_LT(left_, 20) << "asked now and then";
}

TEST_F(AgentFollowersTest, OneServerThatIsAloneSaysSoItself) {
  serve_as_follower();
  start_with_all_ready();
  Backend b = backend();
  EXPECT_EQ(b.ask(b.open("alice"), Action::encrypt, "value").error().code,
            Code::server_unavailable);
  EXPECT_EQ(left_, 1);
}

}  // namespace
}  // namespace nae::agent
