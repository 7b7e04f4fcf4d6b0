#include "keyserver/server/nodes_watch.hpp"
#include "keyserver/server/test_nodes.hpp"

#include <gmock/gmock.h>

namespace nae::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

store::Node node(const std::string& name, const std::string& address,
                 store::NodeState state = store::NodeState::following) {
  store::Node node;
  node.name = name;
  node.address = address;
  node.state = state;
  return node;
}

wire::NodeList told(const std::vector<store::Node>& nodes) {
  return nodes_for_agents(nodes, "ks1", "10.0.0.1:7443");
}

TEST(NodesForAgents, AreTheOthersThatAreThere) {
  using State = store::NodeState;
  std::vector<store::Node> nodes{node("ks1", "10.0.0.1:7443", State::in_charge),
                                 node("ks2", "10.0.0.2:7443"),
                                 node("ks3", "ks3.example:7443", State::waiting),
                                 node("ks4", "10.0.0.4:7443", State::left),
                                 node("ks5", "10.0.0.5:7443"),
                                 node("ks6", "10.0.0.6:7443"),
                                 node("ks7", "10.0.0.7:7443")};
  nodes[4].fenced = "its disk fails";
  nodes[5].silent = nodes[6].silent = true;
  nodes[5].quiet_ms = 599'999;
  nodes[6].quiet_ms = 600'000;
  const wire::NodeList list = told(nodes);
  EXPECT_EQ(list.own, "ks1");
  EXPECT_THAT(list.others, ElementsAre(wire::ListedNode{"ks2", "10.0.0.2:7443"},
                                       wire::ListedNode{"ks3", "ks3.example:7443"},
                                       wire::ListedNode{"ks6", "10.0.0.6:7443"}));
}

TEST(NodesForAgents, LeaveOutWhatCannotBeCalled) {
  for (const char* address : {"", "10.0.0.2", "10.0.0.2:0", "10.0.0.2:65536", "0.0.0.0:7443",
                              "[::]:7443", "::1:7443", "ks 2:7443", "ks2\n:7443"})
    EXPECT_THAT(told({node("ks2", address)}).others, IsEmpty()) << address;
  EXPECT_THAT(told({node("ks2", std::string(258, 'h') + ":7443")}).others, IsEmpty());
  EXPECT_THAT(told({node("no name", "10.0.0.2:7443"), node("", "10.0.0.3:7443")}).others,
              IsEmpty());
}

TEST(NodesForAgents, NameNobodyWhereAnotherOneIs) {
  EXPECT_THAT(told({node("ks2", "10.0.0.1:7443")}).others, IsEmpty()) << "where this one is";
  EXPECT_EQ(told({node("ks2", "10.0.0.2:7443"), node("ks3", "10.0.0.2:7443")}).others.size(), 1u);
  EXPECT_EQ(told({node("ks2", "10.0.0.2:7443"), node("ks2", "10.0.0.3:7443")}).others.size(), 1u);
}

TEST(NodesForAgents, AreAListThatAgentsTakeWhateverTheRows) {
  std::vector<store::Node> nodes;
  for (int i = 99; i >= 0; --i)
    nodes.push_back(node("ks-" + std::to_string(i), "10.0.1." + std::to_string(i) + ":7443"));
  const wire::NodeList list = told(nodes);
  EXPECT_EQ(list.others.size(), wire::kMaxListedNodes);
  EXPECT_TRUE(wire::well_formed(list));
}

TEST(NodesForAgents, OneWithoutANameTellsOfNobody) {
  EXPECT_EQ(nodes_for_agents({node("ks2", "10.0.0.2:7443")}, "_odd_", "10.0.0.1:7443"),
            wire::NodeList{});
}

TEST(NodesWatch, TellsWhatHasChangedAndKeepsItWhileTheStoreIsAway) {
  boost::asio::io_context loop;
  config::Config config;
  config.store.url = "postgresql:///nae";
  config.store.node = "ks1";
  TestNodes rows;
  nae1::ToldNodes nodes;
  int changes = 0;
  NodesWatch watch(loop, config, rows, nodes, [&] { ++changes; });
  rows.nodes = {node("ks2", "10.0.0.2:7443")};
  watch.look();
  watch.look();
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(nodes.get().others.size(), 1u);
  rows.away = true;
  watch.look();
  EXPECT_EQ(nodes.get().others.size(), 1u);
  rows.away = false;
  rows.nodes.clear();
  watch.look();
  EXPECT_EQ(changes, 2);
  EXPECT_THAT(nodes.get().others, IsEmpty());
}

}  // namespace
}  // namespace nae::server
