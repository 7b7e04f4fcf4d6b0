// Two servers of which one refuses or falls silent: clients get the other's answers, and soon.
#include <future>

#include "agent/avoided_servers.hpp"
#include "agent/test_agent.hpp"
#include "libnae/base/test_eventually.hpp"

namespace nae::agent {
namespace {

using namespace testing;
using Clock = std::chrono::steady_clock;

class AgentFailureTest : public AgentTest {};

// Everything that a server says of a trouble of its own; signatures too, since none left it.
class AgentFailureCodeTest : public AgentFailureTest, public ::testing::WithParamInterface<Code> {};

TEST_P(AgentFailureCodeTest, AFailingServersRefusalsAreTriedElsewhere) {
  auto& sick = serve(always(Act::failure));
  auto& well = serve(always(Act::answer));
  sick.failure = GetParam();
  start_with_all_ready();
  Backend b = backend();
  auto context = b.open("alice");
  const auto begun = Clock::now();
  for (int i = 0; i < 400; ++i)
    ASSERT_EQ(must(b.ask(context, i % 2 ? Action::sign : Action::encrypt, "value")), "value");
  EXPECT_EQ(well.requests, 400);
  // Once, and again when it has been left alone for some seconds.
  EXPECT_GE(sick.requests, 1);
  EXPECT_LE(sick.requests, 1 + (Clock::now() - begun) / AvoidedServers::kTime);
}

INSTANTIATE_TEST_SUITE_P(Codes, AgentFailureCodeTest,
                         ::testing::Values(Code::hsm_unavailable, Code::hsm_token_missing,
                                           Code::hsm_failed, Code::store_unavailable,
                                           Code::audit_unavailable),
                         [](const auto& code) { return std::string(name(code.param)); });

TEST_F(AgentFailureTest, AServerThatIsWellAgainIsAskedAgain) {
  std::atomic<bool> is_well = false;
  auto& sick =
      serve([&](const wire::CryptoRequestView&) { return is_well ? Act::answer : Act::failure; });
  serve(always(Act::answer));
  start_with_all_ready();
  Backend b = backend();
  auto context = b.open("alice");
  ASSERT_TRUE(eventually([&] {
    must(b.ask(context, Action::encrypt, "value"));
    return sick.requests != 0;
  }));
  is_well = true;
  const int refused = sick.requests;
  const auto begun = Clock::now();
  ASSERT_TRUE(eventually([&] {
    EXPECT_EQ(must(b.ask(context, Action::encrypt, "value")), "value");
    return sick.requests != refused;
  }));
  EXPECT_LT(Clock::now() - begun, 6s);
}

TEST_F(AgentFailureTest, WhenBothFailTheLastRefusalIsTold) {
  auto& one = serve(always(Act::failure));
  auto& two = serve(always(Act::failure));
  start_with_all_ready();
  Backend b = backend();
  auto context = b.open("alice");
  for (int i = 1; i <= 3; ++i) {
    auto answer = b.ask(context, Action::encrypt, "value");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::audit_unavailable);
    EXPECT_EQ(one.requests + two.requests, 2 * i);
  }
}

TEST_F(AgentFailureTest, ASoleServersRefusalIsToldAtOnce) {
  config_.connections_per_server = 2;
  auto& sick = serve(always(Act::failure));
  start();
  wait_for("upstream.2.state", "ready");
  Backend b = backend();
  auto answer = b.ask(b.open("alice"), Action::encrypt, "value");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::audit_unavailable);
  EXPECT_EQ(sick.requests, 1);
}

// Its one thread stands still: no answer, no pong, and the connection stays.
TEST_F(AgentFailureTest, RequestsLeaveASilentServerWithinTwoSeconds) {
  std::promise<void> release;
  auto released = release.get_future().share();
  auto script = [&](std::atomic<bool>& frozen) {
    return [&frozen, released](const wire::CryptoRequestView&) {
      if (frozen) released.wait();
      return Act::answer;
    };
  };
  std::atomic<bool> first = true, second = false;
  auto& frozen = serve(script(first));
  serve(script(second));
  start_with_all_ready();
  Backend b = backend();
  auto context = b.open("alice");
  auto slowest = Clock::duration::zero();
  for (int i = 0; i < 50; ++i) {
    const auto begun = Clock::now();
    EXPECT_EQ(must(b.ask(context, Action::decrypt, std::to_string(i))), std::to_string(i));
    slowest = std::max(slowest, Clock::now() - begun);
  }
  EXPECT_EQ(frozen.requests, 1);
  EXPECT_GT(slowest, 900ms);
  EXPECT_LT(slowest, 2s);
  first = false;
  release.set_value();
  ASSERT_TRUE(eventually([&] {
    must(b.ask(context, Action::decrypt, "again"));
    return frozen.requests != 1;
  }));
}

// Firewalls forget all connections at once, and one of them is heard a moment later than the other.
TEST_F(AgentFailureTest, RequestsLeaveForNoConnectionThatWasForgottenAMomentLater) {
  config_.connections_per_server = 2;
  // More than one record: what comes next is given to the other connection.
  const std::string large(20'000, 'x');
  std::atomic<int> forgotten = 0;
  serve([&](const wire::CryptoRequestView& request) {
    if (request.items.data_bytes() < large.size() || forgotten == 2) return Act::answer;
    ++forgotten;
    return Act::forget;
  });
  start();
  for (const char* name : {"upstream.1.state", "upstream.2.state"}) wait_for(name, "ready");
  auto ask = [&] {
    Backend b = backend();
    return must(b.ask(b.open("alice"), Action::decrypt, large));
  };
  const auto begun = Clock::now();
  auto first = std::async(std::launch::async, ask);
  ASSERT_TRUE(eventually([&] { return forgotten >= 1; }));
  Backend other = backend();
  auto context = other.open("alice");
  while (Clock::now() - begun < 100ms)
    EXPECT_EQ(must(other.ask(context, Action::decrypt, "heard")), "heard");
  auto second = std::async(std::launch::async, ask);
  EXPECT_EQ(first.get(), large);
  EXPECT_EQ(second.get(), large);
  EXPECT_LT(Clock::now() - begun, 5s) << "as long as a signature waits for one that is forgotten";
}

// A slow request is no silence: the server answers pings.
TEST_F(AgentFailureTest, ASlowServerIsNotTakenForASilentOne) {
  config_.limits.request_timeout = 3s;
  auto& slow = serve([](const wire::CryptoRequestView& request) {
    return request.header.action == Action::decrypt ? Act::hold : Act::answer;
  });
  auto& other = serve(always(Act::answer));
  start_with_all_ready();
  Backend b = backend();
  auto context = b.open("alice");
  ASSERT_TRUE(eventually([&] {
    must(b.ask(context, Action::encrypt, "value"));
    return slow.requests != 0;
  }));
  const int before = other.requests;
  int sent = 0;
  Result<std::string> answer = std::string();
  while (answer && sent < 100) {
    answer = b.ask(context, Action::decrypt, "value");
    ++sent;
  }
  ASSERT_FALSE(answer) << "the slow server was asked nothing";
  EXPECT_EQ(answer.error().code, Code::timeout);
  EXPECT_EQ(other.requests - before, sent - 1);
}

TEST_F(AgentFailureTest, AServerOfAnotherStoreIsNotUsed) {
  auto& first = serve(always(Act::answer));
  auto& stranger = serve(always(Act::answer));
  stranger.set_store("another");
  start();
  wait_for("upstream.1.state", "ready");
  Backend b = backend();
  EXPECT_TRUE(eventually([&] {
    return b.statistic("upstream.2.last_error")
               .find("its store another is another than scripted") != std::string::npos;
  }));
  auto context = b.open("alice");
  const int before = stranger.requests;
  for (int i = 0; i < 20; ++i) must(b.ask(context, Action::encrypt, "value"));
  EXPECT_EQ(stranger.requests, before);
  EXPECT_GE(first.requests, 20);
}

// A first server that is away does not make another one of the same store.
TEST_F(AgentFailureTest, AServerOfAnotherStoreIsNotUsedWhileTheFirstIsAway) {
  config_.limits.unavailable_wait = 300ms;
  serve(always(Act::answer));
  auto& stranger = serve(always(Act::answer));
  stranger.set_store("another");
  start();
  wait_for("upstream.1.state", "ready");
  Backend b = backend();
  auto context = b.open("alice");
  must(b.ask(context, Action::encrypt, "value"));
  servers_.erase(servers_.begin());
  const int before = stranger.requests;
  constexpr std::string_view kReason = "its store another is another than scripted";
  Result<std::string> answer = std::string();
  // Not while the first one's end was not noticed yet, or the other is being greeted once more.
  EXPECT_TRUE(eventually([&] {
    answer = b.ask(context, Action::sign, "value");
    return answer || answer.error().message.find(kReason) != std::string::npos;
  }));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::server_unavailable);
  EXPECT_EQ(stranger.requests, before);
}

}  // namespace
}  // namespace nae::agent
