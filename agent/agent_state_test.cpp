// Two servers of one store that are changed apart.
#include "agent/test_agent.hpp"
#include "agent/test_log.hpp"

namespace nae::agent {
namespace {

using namespace testing;

class AgentStateTest : public AgentTest {
 protected:
  AgentStateTest() { config_.limits.unavailable_wait = 300ms; }
  ~AgentStateTest() override { stop(); }
  // Two servers, told by their states; both are connected when it returns.
  void start_two(char first, char second) {
    for (char state : {first, second}) serve(always(Act::answer)).set_state(state);
    start();
    for (const char* name : {"upstream.1.state", "upstream.2.state"}) wait_for(name, "ready");
  }
  // The second server is refused, for its state.
  bool second_is_refused(Backend& b) {
    return b.statistic("upstream.2.last_error").find("its keys, policy or devices") !=
           std::string::npos;
  }
  void expect_first_alone_serves(Backend& b) {
    auto context = b.open("alice");
    const int before = servers_[1]->requests;
    for (int i = 0; i < 20; ++i) must(b.ask(context, Action::encrypt, "value"));
    EXPECT_EQ(servers_[1]->requests, before);
  }
  std::size_t alarms() {
    stop();
    return log_.lines_with("event=servers-differ");
  }

  KeptLog log_;
};

TEST_F(AgentStateTest, TheOneThatStaysBehindIsNotUsedAndTheAlarmIsOne) {
  start_two('x', 'x');
  Backend b = backend();
  const auto changed_at = std::chrono::steady_clock::now();
  servers_[0]->set_state('y');
  ASSERT_TRUE(eventually([&] { return second_is_refused(b); }));
  EXPECT_GE(std::chrono::steady_clock::now() - changed_at, ServerGroup::kGrace);
  expect_first_alone_serves(b);
  // It is refused again and again, which is said once.
  const std::string connects = b.statistic("upstream.2.connects");
  ASSERT_TRUE(eventually([&] { return servers_[1]->connections() == 0; }));
  ASSERT_TRUE(eventually([&] { return servers_[1]->connections() != 0; }));
  EXPECT_EQ(b.statistic("upstream.2.connects"), connects);
  EXPECT_EQ(alarms(), 1u);
}

TEST_F(AgentStateTest, AChangeThatBothMakeCostsNothing) {
  start_two('x', 'x');
  Backend b = backend();
  auto context = b.open("alice");
  for (char state : {'1', '2', '3', '4', '5', '6'}) {
    servers_[0]->set_state(state);
    std::this_thread::sleep_for(500ms);  // the span in which the other has not changed yet
    servers_[1]->set_state(state);
    // Answers of both come behind their states: the agent has seen them alike before the next.
    for (int i = 0; i < 8; ++i) must(b.ask(context, Action::encrypt, "value"));
  }
  for (int i = 0; i < 20; ++i) must(b.ask(context, Action::encrypt, "value"));
  EXPECT_EQ(b.statistic("upstream.1.connects"), "1");
  EXPECT_EQ(b.statistic("upstream.2.connects"), "1");
  EXPECT_EQ(alarms(), 0u);
}

TEST_F(AgentStateTest, WhenTheStatesAreAlikeAgainBothServe) {
  start_two('x', 'y');
  Backend b = backend();
  ASSERT_TRUE(eventually([&] { return second_is_refused(b); }));
  servers_[1]->set_state('x');
  ASSERT_TRUE(eventually([&] { return b.statistic("upstream.2.state") == "ready"; }));
  EXPECT_EQ(alarms(), 1u);
}

TEST_F(AgentStateTest, WhenNoOtherIsLeftTheErrorSaysWhy) {
  start_two('x', 'y');
  Backend b = backend();
  auto context = b.open("alice");
  ASSERT_TRUE(eventually([&] { return second_is_refused(b); }));
  servers_.erase(servers_.begin());
  Result<std::string> answer = fail(Code::connection_lost, "");
  ASSERT_TRUE(eventually([&] {
    answer = b.ask(context, Action::sign, "value");
    return answer || answer.error().code != Code::connection_lost;
  }));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::server_unavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("its keys, policy or devices are others"));
  EXPECT_THAT(std::string(answer.error().hint_or_default()), HasSubstr("Two copies of one store"));
  EXPECT_EQ(servers_[0]->requests, 0);
}

TEST_F(AgentStateTest, AServerThatTellsNoStateIsUsed) {
  serve(always(Act::answer)).set_state('x');
  serve(always(Act::answer));  // of version 1
  start();
  for (const char* name : {"upstream.1.state", "upstream.2.state"}) wait_for(name, "ready");
  servers_[0]->set_state('y');
  std::this_thread::sleep_for(ServerGroup::kGrace + 200ms);  // in which it would be refused
  Backend b = backend();
  EXPECT_EQ(b.statistic("upstream.2.state"), "ready");
  EXPECT_EQ(b.statistic("upstream.2.connects"), "1");
}

}  // namespace
}  // namespace nae::agent
