// What becomes of connections that are open when the program table is another one.
#include <future>

#include "agent/test_agent.hpp"

namespace nae::agent::testing {
namespace {

class ReloadTest : public AgentTest {
 protected:
  void reload() {
    std::promise<bool> done;
    boost::asio::post(loop_, [&] { done.set_value(agent_->reload(config_).has_value()); });
    ASSERT_TRUE(done.get_future().get());
  }
  // The last word on a connection, and its end.
  static void expect_ended(Backend& backend) {
    auto last = must(backend.answer());
    EXPECT_EQ(last.first, 0u);
    auto error = client::as_error(last.second);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->error.code, Code::shutting_down);
    EXPECT_FALSE(backend.answer());
  }
  static std::string answer_to(Backend& backend) {
    return must(backend.ask(backend.open("app"), Action::sign, "x"));
  }
};

TEST_F(ReloadTest, AProgramThatWasTakenOutOfTheTableIsServedNoMore) {
  auto& server = serve(always(Act::answer));
  start();
  Backend a = backend();
  EXPECT_EQ(answer_to(a), "x");
  config_.programs[0].uid += 1;
  reload();
  expect_ended(a);
  Backend again = backend();
  auto refused = again.ask(again.open("app"), Action::sign, "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::program_unknown);
  EXPECT_EQ(server.requests, 1);
}

TEST_F(ReloadTest, AProgramThatIsNoDatabaseAnyMoreClaimsNoRole) {
  auto& server = serve(always(Act::answer));
  start();
  Backend a = backend();
  EXPECT_EQ(answer_to(a), "x");
  config_.programs[0].unix_role = "unix:www-data";
  reload();
  expect_ended(a);
  Backend again = backend();
  EXPECT_EQ(answer_to(again), "x");
  EXPECT_EQ(server.opened().back().role.effective_role, "unix:www-data");
}

TEST_F(ReloadTest, AProgramOfAnotherNameIsAskedForByIt) {
  auto& server = serve(always(Act::answer));
  start();
  Backend a = backend();
  EXPECT_EQ(answer_to(a), "x");
  config_.programs[0].name = "other";
  reload();
  expect_ended(a);
  Backend again = backend();
  EXPECT_EQ(answer_to(again), "x");
  ASSERT_TRUE(server.opened().back().program);
  EXPECT_EQ(server.opened().back().program->name, "other");
}

TEST_F(ReloadTest, AConnectionThatHasNotSaidHelloEndsToo) {
  serve(always(Act::answer));
  start_with_all_ready();
  BlockingClient silent = must(BlockingClient::connect_unix(config_.socket.string()));
  wait_for("clients", "2");
  config_.programs[0].name = "other";
  reload();
  Bytes space(1024);
  EXPECT_GT(must(silent.read_some(space)), 0u) << "a last word";
}

TEST_F(ReloadTest, AProgramWhoseEntryIsTheSameNoticesNothing) {
  serve(always(Act::answer));
  start();
  Backend a = backend();
  const std::uint32_t context = a.open("app");
  EXPECT_EQ(must(a.ask(context, Action::sign, "x")), "x");
  Program other;
  other.name = "other";
  other.uid = 4711;
  other.executable = "/usr/bin/true";
  config_.programs.push_back(other);
  for (int i = 0; i < 3; ++i) {
    reload();
    EXPECT_EQ(must(a.ask(context, Action::sign, "y")), "y");
  }
}

}  // namespace
}  // namespace nae::agent::testing
