// Key servers that the agent's configuration does not name: found, dropped, and those that are not
// what they were said to be.
#include <future>

#include "agent/test_agent.hpp"
#include "agent/test_log.hpp"

namespace nae::agent {
namespace {

using namespace testing;

class AgentDiscoveryTest : public AgentTest {
 protected:
  ~AgentDiscoveryTest() override { stop(); }

  // One that the configuration does not name.
  ScriptedServer& unnamed() { return unnamed(authority_.issue(TestAuthority::server())); }
  ScriptedServer& unnamed(const net::TlsFiles& files) {
    servers_.push_back(std::make_unique<ScriptedServer>(files, always(Act::answer)));
    return *servers_.back();
  }
  // All of `servers`, by their places, tell of each other.
  void tell_of(const std::vector<std::size_t>& servers) {
    for (const std::size_t own : servers) servers_[own]->set_nodes(list_of(own, servers));
  }
  wire::NodeList list_of(std::size_t own, const std::vector<std::size_t>& servers) const {
    wire::NodeList list{"ks" + std::to_string(own), {}};
    for (const std::size_t other : servers)
      if (other != own)
        list.others.push_back(
            {"ks" + std::to_string(other), net::to_string(servers_[other]->endpoint())});
    return list;
  }
  // Until a connection to it is in that state; a server without one is in none.
  bool comes_to(Backend& b, const ScriptedServer& server, const std::string& state) {
    return eventually([&] { return state_of(b, server) == state; });
  }
  std::string state_of(Backend& b, const ScriptedServer& server) { return row(b, server, "state"); }
  std::string row(Backend& b, const ScriptedServer& server, const std::string& name) {
    auto table = must(b.look_up(0, wire::LookupSubject::agent_stats));
    std::string prefix, found;
    for (const auto& row : table.rows) {
      const std::string& at = *row[0];
      if (at.ends_with(".server"))
        prefix = *row[1] == net::to_string(server.endpoint()) ? at.substr(0, at.size() - 6) : "";
      if (!prefix.empty() && at == prefix + name) found = *row[1];
    }
    return found;
  }
  bool serves(Backend& b, const ScriptedServer& server) {
    const auto context = b.open("alice");
    const int before = server.requests;
    for (int i = 0; i < 50; ++i) must(b.ask(context, Action::encrypt, "value"));
    return server.requests > before;
  }
  std::size_t lines(const std::string& text) {
    stop();
    return log_.lines_with(text);
  }

  KeptLog log_;
};

TEST_F(AgentDiscoveryTest, OneThatIsNamedMakesAllOfThemServe) {
  auto& seed = serve(always(Act::answer));
  auto& second = unnamed();
  auto& third = unnamed();
  tell_of({0, 1, 2});
  start_with_all_ready();
  Backend b = backend();
  ASSERT_TRUE(comes_to(b, second, "ready"));
  ASSERT_TRUE(comes_to(b, third, "ready"));
  for (const ScriptedServer* server : {&seed, &second, &third}) EXPECT_TRUE(serves(b, *server));
  EXPECT_EQ(row(b, seed, "origin"), "configured");
  EXPECT_EQ(row(b, second, "origin"), "discovered");
  EXPECT_EQ(row(b, second, "node"), "ks1");
  EXPECT_EQ(b.statistic("servers_discovered"), "2");
}

TEST_F(AgentDiscoveryTest, SingleRequestsTakeTurnsThroughAllHoweverManyConnectionsTheyHave) {
  config_.connections_per_server = 3;
  auto& seed = serve(always(Act::answer));
  auto& second = unnamed();
  auto& third = unnamed();
  tell_of({0, 1, 2});
  start();
  Backend b = backend();
  for (const ScriptedServer* server : {&seed, &second, &third}) {
    ASSERT_TRUE(eventually([&] { return server->connections() == 3; }));
    ASSERT_TRUE(comes_to(b, *server, "ready"));
  }
  const auto context = b.open("alice");
  for (int i = 0; i < 90; ++i) must(b.ask(context, Action::decrypt, "value"));
  for (const ScriptedServer* server : {&seed, &second, &third}) EXPECT_GE(server->requests, 20);
}

TEST_F(AgentDiscoveryTest, OneThatIsAddedServesAndOneThatLeavesIsDropped) {
  serve(always(Act::answer));
  auto& second = unnamed();
  auto& third = unnamed();
  tell_of({0, 1});
  start_with_all_ready();
  Backend b = backend();
  ASSERT_TRUE(comes_to(b, second, "ready"));
  EXPECT_EQ(state_of(b, third), "");
  tell_of({0, 1, 2});
  ASSERT_TRUE(comes_to(b, third, "ready"));
  EXPECT_TRUE(serves(b, third));
  tell_of({0, 2});
  ASSERT_TRUE(comes_to(b, second, ""));
  EXPECT_FALSE(serves(b, second));
  EXPECT_TRUE(serves(b, third));
}

TEST_F(AgentDiscoveryTest, WhenTheSeedIsGoneTheOthersServe) {
  auto& seed = serve(always(Act::answer));
  auto& second = unnamed();
  unnamed();
  tell_of({0, 1, 2});
  start_with_all_ready();
  Backend b = backend();
  ASSERT_TRUE(comes_to(b, second, "ready"));
  ASSERT_TRUE(comes_to(b, *servers_[2], "ready"));
  seed.refuse_hellos(Error(Code::server_unavailable, "it waits"));
  seed.listener().abort_all(Error(Code::connection_lost, "gone"));
  const auto context = b.open("alice");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(must(b.ask(context, Action::decrypt, "value")), "value");
  EXPECT_EQ(state_of(b, second), "ready");
}

TEST_F(AgentDiscoveryTest, TurnedOffOnlyWhatIsConfiguredIsUsed) {
  config_.discover = false;
  serve(always(Act::answer));
  auto& second = unnamed();
  tell_of({0, 1});
  start_with_all_ready();
  Backend b = backend();
  EXPECT_TRUE(serves(b, *servers_[0]));
  EXPECT_EQ(b.statistic("servers_discovered"), "0");
  EXPECT_EQ(second.connections(), 0u);
}

TEST_F(AgentDiscoveryTest, OneOfAnotherAuthorityIsNotUsedAndIsAlarmed) {
  serve(always(Act::answer));
  TestAuthority other{directory_, "other"};
  auto& stranger = unnamed(other.issue(TestAuthority::server()));
  auto& third = unnamed();
  tell_of({0, 1, 2});
  start_with_all_ready();
  Backend b = backend();
  ASSERT_TRUE(comes_to(b, third, "ready"));
  ASSERT_TRUE(eventually([&] { return std::stoi(b.statistic("discovered_refused")) > 1; }));
  EXPECT_NE(state_of(b, stranger), "ready");
  EXPECT_FALSE(serves(b, stranger));
  EXPECT_TRUE(serves(b, third));
  EXPECT_EQ(lines("event=discovered_server_refused"), 1u) << "once, not at each attempt";
}

TEST_F(AgentDiscoveryTest, ACertificateForAnotherHostIsNoneForThisOne) {
  serve(always(Act::answer));
  auto elsewhere = TestAuthority::server();
  elsewhere.dns_names = {"elsewhere.example"};
  elsewhere.ip_names.clear();
  auto& second = unnamed(authority_.issue(elsewhere));
  tell_of({0, 1});
  start_with_all_ready();
  Backend b = backend();
  ASSERT_TRUE(eventually([&] { return b.statistic("discovered_refused") != "0"; }));
  EXPECT_TRUE(serves(b, *servers_[0]));
  EXPECT_EQ(second.requests, 0);
  EXPECT_EQ(lines("event=discovered_server_refused"), 1u);
}

TEST_F(AgentDiscoveryTest, OneOfAnotherStoreIsNotUsed) {
  serve(always(Act::answer));
  auto& second = unnamed();
  second.set_store("another");
  tell_of({0, 1});
  start_with_all_ready();
  Backend b = backend();
  ASSERT_TRUE(eventually(
      [&] { return row(b, second, "last_error").find("its store another") != std::string::npos; }));
  EXPECT_FALSE(serves(b, second));
  EXPECT_EQ(lines("event=servers-differ"), 1u);
}

TEST_F(AgentDiscoveryTest, WhatWasFoundStaysWithAnotherCertificateAndGoesWithAnotherSeed) {
  serve(always(Act::answer));
  auto& second = unnamed();
  tell_of({0, 1});
  start_with_all_ready();
  Backend b = backend();
  ASSERT_TRUE(comes_to(b, second, "ready"));
  const auto reload = [&](const Config& config) {
    std::promise<bool> done;
    boost::asio::post(loop_, [&] { done.set_value(agent_->reload(config).has_value()); });
    ASSERT_TRUE(done.get_future().get());
  };
  reload(config_);
  EXPECT_EQ(b.statistic("servers_discovered"), "1");
  ASSERT_TRUE(comes_to(b, second, "ready"));
  auto& apart = unnamed();
  Config other = config_;
  other.servers = {apart.endpoint()};
  reload(other);
  EXPECT_EQ(b.statistic("servers_discovered"), "0");
  ASSERT_TRUE(comes_to(b, apart, "ready"));
  EXPECT_TRUE(serves(b, apart));
}

}  // namespace
}  // namespace nae::agent
