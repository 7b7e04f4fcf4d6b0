// How often a request is asked while answers are lost.
#include "pkcs11/key_server.hpp"

#include <gtest/gtest.h>

#include <future>

#include "libnae/base/test_eventually.hpp"
#include "pkcs11/test_scripted_agent.hpp"

namespace nae::pkcs11 {
namespace {

using namespace std::chrono_literals;
using testing::ScriptedAgent;
using Act = ScriptedAgent::Act;

Settings settings_of(const ScriptedAgent& agent, std::chrono::milliseconds patience) {
  Settings settings;
  settings.socket = agent.path();
  settings.patience = patience;
  return settings;
}

Result<Bytes> ask(KeyServer& key_server, Action action) {
  return key_server.ask(action, 0, "web:1", as_bytes("message"), as_bytes("signature"));
}

// A request that ends every key server it reaches must not reach them for ever.
TEST(KeyServer, ASignatureWhoseAnswerWasLostIsAskedForOnceMore) {
  for (const Act lost : {Act::lose, Act::drop}) {
    for (const Action action : {Action::sign, Action::mac}) {
      std::atomic<Act> act = Act::answer;
      ScriptedAgent agent([&](std::string_view) { return act.load(); });
      KeyServer key_server(settings_of(agent, 60s));
      ASSERT_TRUE(ask(key_server, action)) << "the connection is one that was used before";
      act = lost;
      const auto asked = ask(key_server, action);
      ASSERT_FALSE(asked);
      EXPECT_EQ(asked.error().code, Code::connection_lost);
      EXPECT_EQ(agent.requests, 1 + 2);
    }
  }
}

TEST(KeyServer, ALossBeforeTheAnswerIsNotSeen) {
  std::atomic<int> asked = 0;
  ScriptedAgent agent([&](std::string_view) { return ++asked == 2 ? Act::lose : Act::answer; });
  KeyServer key_server(settings_of(agent, 60s));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(ask(key_server, Action::sign));
  EXPECT_EQ(agent.requests, 3);
}

// C_Finalize, in another thread, while a call waits for its answer.
TEST(KeyServer, ACallThatWaitsEndsWhenAllIsClosed) {
  ScriptedAgent agent([&](std::string_view) { return Act::hold; });
  KeyServer key_server(settings_of(agent, 600s));
  auto waiting = std::async(std::launch::async, [&] { return ask(key_server, Action::sign); });
  ASSERT_TRUE(eventually([&] { return agent.requests == 1; }));
  key_server.close();
  ASSERT_EQ(waiting.wait_for(30s), std::future_status::ready) << "of 60 for one exchange";
  const auto asked = waiting.get();
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, Code::not_initialised);
}

TEST(KeyServer, WhatChangesNothingIsAskedWithPausesUntilItsTimeIsOver) {
  std::atomic<Act> act = Act::answer;
  ScriptedAgent agent([&](std::string_view) { return act.load(); });
  KeyServer key_server(settings_of(agent, 200ms));
  ASSERT_TRUE(ask(key_server, Action::verify));
  act = Act::lose;
  const auto asked = ask(key_server, Action::verify);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, Code::connection_lost);
  EXPECT_GT(agent.requests, 1 + 2);
  EXPECT_LE(agent.requests, 1 + 7) << "pauses of 10, 20, 40, 80 and what is left";
}

}  // namespace
}  // namespace nae::pkcs11
