// End users: their tokens travel with their contexts, and no longer than their sessions.
#include "agent/test_agent.hpp"

namespace nae::agent::testing {
namespace {

std::uint32_t open_as(Backend& backend, std::uint32_t context, std::string_view token,
                      const std::string& role = "app") {
  wire::OpenContext open;
  open.context = context;
  open.role.database = "db";
  open.role.effective_role = role;
  open.user_token.assign(token.begin(), token.end());
  backend.session().open_context(open);
  return context;
}

std::string token_of(const wire::OpenContext& open) {
  return std::string(as_text(open.user_token));
}

TEST_F(AgentTest, EachUserHasAContextThatEqualSessionsShare) {
  auto& server = serve(always(Act::answer));
  start();
  Backend a = backend(), b = backend();
  for (Backend* each : {&a, &b})
    for (const char* token : {"", "t.o.alice", "t.o.bob"})
      EXPECT_EQ(must(each->ask(open_as(*each, 1, token), Action::decrypt, "x")), "x");
  auto opened = server.opened();
  // `a` had left alice for bob when `b` came for her; bob's it shares.
  ASSERT_EQ(opened.size(), 4u);
  EXPECT_EQ(token_of(opened[0]), "");
  EXPECT_EQ(token_of(opened[1]), "t.o.alice");
  EXPECT_EQ(token_of(opened[2]), "t.o.bob");
  EXPECT_EQ(token_of(opened[3]), "t.o.alice");
  for (const auto& open : opened) EXPECT_EQ(open.program->name, "tester");
}

TEST_F(AgentTest, AUsersContextEndsWithItsLastSessionAndARolesStays) {
  auto& server = serve(always(Act::answer));
  start();
  Backend a = backend(), b = backend(), other = backend();
  EXPECT_TRUE(a.ask(open_as(a, 1, ""), Action::decrypt, "x"));
  a.session().close_context(1);
  EXPECT_TRUE(a.ask(open_as(a, 2, "t.o.alice"), Action::decrypt, "x"));
  EXPECT_TRUE(b.ask(open_as(b, 1, "t.o.alice"), Action::decrypt, "x"));
  EXPECT_EQ(server.opened().size(), 2u);
  a.session().close_context(2);
  EXPECT_TRUE(a.ask(open_as(a, 3, "", "second"), Action::decrypt, "x"));
  EXPECT_TRUE(b.ask(1, Action::decrypt, "x"));
  EXPECT_EQ(server.closed_contexts, 0u);  // `b` still holds it
  b.session().close_context(1);
  EXPECT_TRUE(b.ask(open_as(b, 2, "", "third"), Action::decrypt, "x"));
  EXPECT_EQ(server.closed_contexts, 1u);
  EXPECT_TRUE(other.ask(open_as(other, 1, ""), Action::decrypt, "x"));
  EXPECT_EQ(server.opened().size(), 4u);  // the first role's context was kept
}

TEST_F(AgentTest, AContextThatTheServerLostIsOpenedAgainWithItsUser) {
  std::atomic<int> requests{0};
  auto& server = serve([&](const wire::CryptoRequestView&) {
    return requests++ == 1 ? Act::refuse_context : Act::answer;
  });
  start();
  Backend a = backend();
  open_as(a, 1, "t.o.alice");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(must(a.ask(1, Action::decrypt, "x")), "x");
  ASSERT_EQ(server.opened().size(), 2u);
  EXPECT_EQ(token_of(server.opened()[1]), "t.o.alice");
}

// As identity providers issue them. A key server of version 1 would end the connection of
// everybody.
TEST_F(AgentTest, LongTokensGoToServersThatTakeThem) {
  auto& server = serve(always(Act::answer));
  server.set_state('x');  // version 2
  start();
  Backend a = backend();
  const std::string longest = "t.o." + std::string(65'531, 'x');
  EXPECT_EQ(must(a.ask(open_as(a, 1, longest), Action::decrypt, "x")), "x");
  EXPECT_EQ(token_of(server.opened().at(0)), longest);
}

TEST_F(AgentTest, AServerOfVersion1IsSentNoLongToken) {
  auto& server = serve(always(Act::answer));
  start();
  Backend a = backend();
  const std::string long_one = "t.o." + std::string(8'189, 'x');
  auto refused = a.ask(open_as(a, 1, long_one), Action::decrypt, "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::user_token_rejected);
  EXPECT_THAT(refused.error().message, HasSubstr("at most 8192 bytes"));
  EXPECT_EQ(must(a.ask(open_as(a, 2, long_one.substr(1)), Action::decrypt, "x")), "x");
  EXPECT_EQ(server.opened().size(), 1u);
  EXPECT_EQ(a.statistic("upstream.1.connects"), "1");
}

// The key server takes 64 MiB of one connection, whatever the number of contexts.
TEST_F(AgentTest, ContextsOfLongTokensMakeRoomForEachOther) {
  auto& server = serve(always(Act::answer));
  server.set_state('x');
  start();
  std::vector<Backend> clients;
  const std::string filler(65'000, 'x');
  constexpr std::uint32_t kOfOne = 100;
  for (int client = 0; client < 6; ++client) {
    Backend& each = clients.emplace_back(backend());
    for (std::uint32_t i = 1; i <= kOfOne; ++i) {
      const std::string token = "t." + std::to_string(client * 1000 + i) + "." + filler;
      ASSERT_EQ(must(each.ask(open_as(each, i, token), Action::decrypt, "x")), "x");
    }
  }
  ASSERT_TRUE(eventually([&] { return server.closed_contexts > 0; }));
  const auto open = server.opened().size() - static_cast<std::size_t>(server.closed_contexts);
  EXPECT_LE(open * filler.size(), 33u << 20);
  EXPECT_EQ(must(clients[0].ask(1, Action::decrypt, "again")), "again") << "opened anew";
}

}  // namespace
}  // namespace nae::agent::testing
