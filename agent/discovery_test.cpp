#include "agent/discovery.hpp"

#include <gmock/gmock.h>

namespace nae::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Servers = std::vector<std::string>;

constexpr const char* kSeed = "10.0.0.1:7443";

wire::ListedNode listed(int number) {
  return {"ks" + std::to_string(number), "10.0.0." + std::to_string(number) + ":7443"};
}
wire::NodeList list(int own, const std::vector<int>& others) {
  wire::NodeList nodes{"ks" + std::to_string(own), {}};
  for (int other : others) nodes.others.push_back(listed(other));
  return nodes;
}
std::string at(int number) {
  return listed(number).address;
}

class DiscoveryTest : public ::testing::Test {
 protected:
  DiscoveryTest() { discovery_.configure({kSeed}, true); }
  Servers found() const {
    Servers servers;
    for (const auto& node : discovery_.found()) servers.push_back(net::to_string(node.endpoint));
    return servers;
  }
  Servers tell(int server, const wire::NodeList& nodes) {
    discovery_.tell(at(server), nodes);
    discovery_.update();
    return found();
  }
  Servers connected(std::set<std::string> servers) {
    discovery_.keep(servers);
    discovery_.update();
    return found();
  }
  Discovery discovery_{7};
};

TEST_F(DiscoveryTest, WhomTheSeedNamesIsUsed) {
  EXPECT_THAT(tell(1, list(1, {2, 3})), ElementsAre(at(2), at(3)));
  EXPECT_FALSE(discovery_.update()) << "nothing has changed since";
  EXPECT_TRUE(discovery_.is_found(at(2)));
  EXPECT_FALSE(discovery_.is_found(kSeed));
  EXPECT_EQ(discovery_.node_at(kSeed), "ks1");
}

TEST_F(DiscoveryTest, OneThatIsAddedIsUsedAndOneThatHasLeftIsNot) {
  tell(1, list(1, {2}));
  EXPECT_THAT(tell(1, list(1, {2, 3})), ElementsAre(at(2), at(3)));
  EXPECT_THAT(tell(1, list(1, {3})), ElementsAre(at(3)));
  EXPECT_THAT(tell(1, list(1, {})), IsEmpty());
}

TEST_F(DiscoveryTest, AServerOfTheConfigurationIsNotFoundAgain) {
  discovery_.configure({kSeed, at(2), "ks3.example:7443"}, true);
  EXPECT_THAT(tell(1, list(1, {2, 3, 4})), ElementsAre(at(3), at(4)));
  discovery_.tell("ks3.example:7443", list(3, {1, 2, 4}));
  EXPECT_TRUE(discovery_.update());
  EXPECT_THAT(found(), ElementsAre(at(4))) << "it is known under another name";
}

TEST_F(DiscoveryTest, TheSeedMayBeAway) {
  tell(1, list(1, {2, 3}));
  tell(2, list(2, {1, 3}));
  tell(3, list(3, {1, 2}));
  EXPECT_THAT(connected({at(2), at(3)}), ElementsAre(at(2), at(3)));
  EXPECT_THAT(connected({at(2)}), ElementsAre(at(2), at(3)));
  EXPECT_THAT(connected({}), ElementsAre(at(2), at(3))) << "who is away may come back";
}

TEST_F(DiscoveryTest, AnyOfThemTellsOfOneThatIsNewOrHasLeft) {
  tell(1, list(1, {2}));
  tell(2, list(2, {1}));
  connected({at(2)});
  EXPECT_THAT(tell(2, list(2, {1, 3})), ElementsAre(at(2), at(3)));
  EXPECT_THAT(tell(2, list(2, {1})), ElementsAre(at(2)));
}

TEST_F(DiscoveryTest, OneNodeAloneTakesNobodyOut) {
  tell(1, list(1, {2, 3}));
  tell(2, list(2, {1, 3}));
  EXPECT_THAT(tell(2, list(2, {})), ElementsAre(at(2), at(3)));
}

// A node that is fenced, and goes on all the same.
TEST_F(DiscoveryTest, NobodysOwnWordKeepsIt) {
  tell(1, list(1, {2, 3}));
  tell(2, list(2, {1, 3}));
  EXPECT_THAT(tell(1, list(1, {3})), ElementsAre(at(3)));
  EXPECT_THAT(tell(2, list(2, {1, 3})), ElementsAre(at(3))) << "and it says that it is there";
}

TEST_F(DiscoveryTest, NorDoesItUnderAnotherNameOrAtAnotherPort) {
  tell(1, list(1, {2, 3}));
  tell(2, {"zz", {listed(2), listed(3)}});
  EXPECT_THAT(tell(1, list(1, {3})), ElementsAre(at(3)));
  EXPECT_THAT(tell(2, {"zz", {listed(2), listed(3)}}), ElementsAre(at(3)));
  EXPECT_THAT(tell(1, list(1, {2, 3})), UnorderedElementsAre(at(2), at(3)));
  discovery_.tell("10.0.0.2:9", {"zz", {listed(2), listed(3)}});
  EXPECT_THAT(tell(1, list(1, {3})), ElementsAre(at(3)));
}

TEST_F(DiscoveryTest, ANameCountsWhileItsServerIsConnected) {
  discovery_.configure({kSeed, "ks3.example:7443"}, true);
  discovery_.tell("ks3.example:7443", list(3, {1}));
  EXPECT_THAT(tell(1, list(1, {3})), IsEmpty());
  EXPECT_THAT(connected({kSeed}), ElementsAre(at(3)));
}

TEST_F(DiscoveryTest, WhoNeverGreetedGivesItsPlaceAndIsNotTriedAtOnceAgain) {
  std::vector<int> absent;
  for (int i = 20; i < 35; ++i) absent.push_back(i);
  const auto begin = Discovery::Clock::now();
  discovery_.tell(kSeed, list(1, absent));
  discovery_.update(begin);
  ASSERT_THAT(found(), SizeIs(Discovery::kMost));
  absent.push_back(40);
  discovery_.tell(kSeed, list(1, absent));
  EXPECT_FALSE(discovery_.update(begin + Discovery::kTimeToGreet / 2));
  EXPECT_TRUE(discovery_.more_later());
  EXPECT_TRUE(discovery_.update(begin + Discovery::kTimeToGreet));
  EXPECT_TRUE(discovery_.is_found(at(40)));
  EXPECT_THAT(found(), SizeIs(Discovery::kMost)) << "one went, and does not come back yet";
  for (int i = 20; i < 35; ++i) discovery_.tell(at(i), list(i, {}));
  discovery_.tell(at(40), list(40, {}));
  discovery_.update(begin + 10 * Discovery::kTimeToGreet);
  EXPECT_FALSE(discovery_.update(begin + 11 * Discovery::kTimeToGreet)) << "all have greeted";
}

TEST_F(DiscoveryTest, NewAddressesComeNoFasterThanTheyMay) {
  const auto begin = Discovery::Clock::now();
  std::set<std::string> seen;
  const auto rotate = [&](int turn, Discovery::TimePoint now) {
    std::vector<int> others;
    for (int i = 0; i < 15; ++i) others.push_back(10 + turn * 15 + i);
    discovery_.tell(kSeed, list(1, others));
    discovery_.update(now);
    for (const std::string& server : found()) seen.insert(server);
  };
  for (int turn = 0; turn < 10; ++turn) rotate(turn, begin);
  EXPECT_THAT(seen, SizeIs(Discovery::kNewAtOnce));
  EXPECT_TRUE(discovery_.more_later());
  for (int turn = 10; turn < 14; ++turn) rotate(turn, begin + 2 * Discovery::kBetweenNew);
  EXPECT_THAT(seen, SizeIs(Discovery::kNewAtOnce + 2));
}

TEST_F(DiscoveryTest, AServerWithoutAGroupIsNoWordAgainstTheOthers) {
  discovery_.configure({kSeed, at(9)}, true);
  tell(1, list(1, {2}));
  EXPECT_THAT(tell(9, {}), ElementsAre(at(2)));
  EXPECT_THAT(connected({at(2), at(9)}), ElementsAre(at(2)));
}

TEST_F(DiscoveryTest, OneThatMovesIsFoundAtItsNewAddress) {
  tell(1, list(1, {2}));
  EXPECT_THAT(tell(1, {"ks1", {{"ks2", "10.0.0.99:7443"}}}), ElementsAre("10.0.0.99:7443"));
}

TEST_F(DiscoveryTest, WhatIsNoAddressIsNotUsed) {
  for (const char* address : {"10.0.0.2", "10.0.0.2:0", "::1:7443", "0.0.0.0:7443", "[::]:7443",
                              ":7443", "0:7443", "10.0.0.2:65536"})
    EXPECT_THAT(tell(1, {"ks1", {{"ks2", address}}}), IsEmpty()) << address;
}

TEST_F(DiscoveryTest, NoNameIsLookedUpThatTheConfigurationDoesNotHave) {
  discovery_.configure({kSeed, "ks.example:7443"}, true);
  tell(1, {"ks1", {{"ks2", "slow.example:7443"}, {"ks3", "ks.example:7444"}, {"ks4", at(4)}}});
  EXPECT_THAT(found(), ElementsAre("ks.example:7444", at(4)));
  EXPECT_EQ(discovery_.passed_over(), "slow.example:7443");
  tell(1, list(1, {4}));
  EXPECT_EQ(discovery_.passed_over(), "");
}

TEST_F(DiscoveryTest, OfManyOnlySoMany) {
  std::vector<int> many;
  for (int i = 10; i < 74; ++i) many.push_back(i);
  const Servers first = tell(1, list(1, many));
  EXPECT_THAT(first, SizeIs(Discovery::kMost));
  EXPECT_EQ(tell(2, list(2, many)), first) << "those that are used stay";
  Discovery other(8);
  other.configure({kSeed}, true);
  other.tell(kSeed, list(1, many));
  EXPECT_TRUE(other.update());
  EXPECT_NE(other.found(), discovery_.found()) << "agents differ";
  many.erase(many.begin(), many.end() - 20);
  tell(2, {});
  discovery_.tell(kSeed, list(1, many));
  discovery_.update(Discovery::Clock::now() + Discovery::kNewAtOnce * Discovery::kBetweenNew);
  EXPECT_THAT(found(), SizeIs(Discovery::kMost));
}

TEST_F(DiscoveryTest, TurnedOffItFindsNothing) {
  discovery_.configure({kSeed}, false);
  EXPECT_THAT(tell(1, list(1, {2})), IsEmpty());
  discovery_.configure({kSeed}, true);
  EXPECT_THAT(tell(1, list(1, {2})), SizeIs(1));
  discovery_.configure({kSeed}, false);
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(DiscoveryTest, WithOtherSeedsItBeginsAnewAndWithTheSameItGoesOn) {
  tell(1, list(1, {2}));
  discovery_.configure({kSeed}, true);
  EXPECT_THAT(found(), ElementsAre(at(2)));
  discovery_.configure({at(5)}, true);
  EXPECT_THAT(found(), IsEmpty());
}

}  // namespace
}  // namespace nae::agent
