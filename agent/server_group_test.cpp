#include "agent/server_group.hpp"

#include <gtest/gtest.h>

namespace nae::agent {
namespace {

using namespace std::chrono_literals;
using TimePoint = ServerGroup::TimePoint;

constexpr TimePoint kStart{};

TEST(ServerGroup, ServersOfOneStoreAreAdmitted) {
  ServerGroup group;
  group.configure({"a", "b"});
  EXPECT_TRUE(group.admit("b", "one", {}, kStart));
  EXPECT_TRUE(group.admit("a", "one", {}, kStart));
  EXPECT_TRUE(group.check("b", kStart));
}

TEST(ServerGroup, TheFirstOfTheConfigurationSaysWhichStoreItIs) {
  ServerGroup group;
  group.configure({"a", "b", "c"});
  EXPECT_TRUE(group.admit("b", "two", {}, kStart));
  EXPECT_EQ(group.admit("c", "three", {}, kStart).error().code, Code::conflict);
  EXPECT_TRUE(group.admit("a", "one", {}, kStart));
  EXPECT_EQ(group.check("b", kStart).error().code, Code::conflict);
  EXPECT_FALSE(group.admit("b", "two", {}, kStart));
  EXPECT_TRUE(group.admit("b", "one", {}, kStart));
}

TEST(ServerGroup, AStoreThatWasMadeAnewReplacesTheOldOne) {
  ServerGroup group;
  group.configure({"a", "b"});
  EXPECT_TRUE(group.admit("a", "one", {}, kStart));
  EXPECT_TRUE(group.admit("b", "one", {}, kStart));
  EXPECT_TRUE(group.admit("a", "two", {}, kStart));
  EXPECT_FALSE(group.check("b", kStart));
}

TEST(ServerGroup, AnotherConfigurationForgetsServersThatItDoesNotName) {
  ServerGroup group;
  group.configure({"a", "b"});
  EXPECT_TRUE(group.admit("a", "one", {}, kStart));
  EXPECT_FALSE(group.admit("b", "two", {}, kStart));
  group.configure({"b", "a"});
  EXPECT_TRUE(group.admit("b", "two", {}, kStart));
  EXPECT_FALSE(group.check("a", kStart));
  group.configure({"b"});
  EXPECT_TRUE(group.check("b", kStart));
}

// Of one store, "one"; states are named by a letter.
class ServerStates : public ::testing::Test {
 protected:
  ServerStates() { group_.configure({"a", "b", "c"}); }
  static wire::StateDigest state(char name) {
    wire::StateDigest digest;
    digest.fill(static_cast<Byte>(name));
    return digest;
  }
  Result<void> admit(const std::string& server, char name, TimePoint now) {
    return group_.admit(server, "one", state(name), now);
  }
  bool used(const std::string& server, TimePoint now) {
    return group_.check(server, now).has_value();
  }
  static constexpr auto kGrace = ServerGroup::kGrace;
  ServerGroup group_;
};

TEST_F(ServerStates, OfServersThatAreAlikeAllAreUsed) {
  for (const char* server : {"a", "b", "c"}) EXPECT_TRUE(admit(server, 'x', kStart));
  for (const char* server : {"a", "b", "c"}) EXPECT_TRUE(used(server, kStart + 1h));
  EXPECT_EQ(group_.next_change(kStart), std::nullopt);
}

TEST_F(ServerStates, AChangeHasTimeToBeKnown) {
  ASSERT_TRUE(admit("a", 'x', kStart) && admit("b", 'x', kStart));
  group_.tell("a", state('y'), kStart + 1s);
  EXPECT_TRUE(used("b", kStart + 1s + kGrace - 1ns));
  EXPECT_EQ(group_.next_change(kStart + 1s), kStart + 1s + kGrace);
  group_.tell("b", state('y'), kStart + 1s + kGrace - 1ns);
  EXPECT_TRUE(used("b", kStart + 1h));
  EXPECT_EQ(group_.next_change(kStart + 1s), std::nullopt);
}

TEST_F(ServerStates, WhoStaysBehindIsNotUsed) {
  ASSERT_TRUE(admit("a", 'x', kStart) && admit("b", 'x', kStart) && admit("c", 'x', kStart));
  group_.tell("a", state('y'), kStart);
  group_.tell("c", state('y'), kStart + 1s);
  EXPECT_TRUE(used("b", kStart + kGrace - 1ns));
  const auto refused = group_.check("b", kStart + kGrace);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_NE(refused.error().message.find("of a"), std::string::npos);
  EXPECT_FALSE(refused.error().hint.empty());
  EXPECT_TRUE(used("a", kStart + 1h) && used("c", kStart + 1h));
}

TEST_F(ServerStates, ManyChangesWhileOneStaysBehindGiveItNoMoreTime) {
  ASSERT_TRUE(admit("a", 'x', kStart) && admit("b", 'x', kStart));
  for (int i = 0; i < 20; ++i)
    group_.tell("a", state(static_cast<char>('0' + i)), kStart + i * kGrace / 10);
  EXPECT_FALSE(used("b", kStart + kGrace));
}

TEST_F(ServerStates, TheGraceIsNotGivenAnewWithEachConnection) {
  ASSERT_TRUE(admit("a", 'x', kStart));
  EXPECT_TRUE(admit("b", 'y', kStart));
  EXPECT_FALSE(used("b", kStart + kGrace));
  group_.left("b");
  EXPECT_FALSE(admit("b", 'y', kStart + 3s));
  EXPECT_FALSE(admit("b", 'z', kStart + 4s));
  EXPECT_TRUE(admit("b", 'x', kStart + 5s));
}

TEST_F(ServerStates, WhoWasNotUsedIsNotUsedWhenTheFirstIsAway) {
  ASSERT_TRUE(admit("a", 'x', kStart) && admit("b", 'y', kStart));
  ASSERT_FALSE(used("b", kStart + kGrace));
  group_.left("a");
  group_.left("b");
  EXPECT_FALSE(admit("b", 'y', kStart + 1h));
  EXPECT_TRUE(admit("c", 'x', kStart + 1h));
  EXPECT_FALSE(admit("b", 'y', kStart + 2h));
}

TEST_F(ServerStates, WhatIsChangedWhileTheFirstIsAwayIsNoDifference) {
  ASSERT_TRUE(admit("a", 'x', kStart) && admit("b", 'x', kStart));
  group_.left("a");
  group_.tell("b", state('y'), kStart + 1s);
  EXPECT_TRUE(used("b", kStart + 1h));
  EXPECT_TRUE(admit("a", 'y', kStart + 1h));  // another address of the same server
  EXPECT_TRUE(used("b", kStart + 2h));
}

TEST_F(ServerStates, TheFirstThatComesBackAsItWasIsTheMeasureAgain) {
  ASSERT_TRUE(admit("a", 'x', kStart) && admit("b", 'x', kStart));
  group_.left("a");
  group_.tell("b", state('y'), kStart + 1s);
  EXPECT_TRUE(admit("a", 'x', kStart + 1h));
  EXPECT_TRUE(used("b", kStart + 1h));
  EXPECT_FALSE(used("b", kStart + 1h + kGrace));
}

TEST_F(ServerStates, AnOldServerIsNotCompared) {
  ASSERT_TRUE(admit("a", 'x', kStart));
  EXPECT_TRUE(group_.admit("b", "one", {}, kStart));
  EXPECT_TRUE(used("b", kStart + 1h));
  EXPECT_TRUE(admit("c", 'y', kStart));
  EXPECT_FALSE(used("c", kStart + kGrace));
}

TEST_F(ServerStates, AnotherConfigurationJudgesAnew) {
  ASSERT_TRUE(admit("a", 'x', kStart) && admit("b", 'y', kStart));
  ASSERT_FALSE(used("b", kStart + kGrace));
  group_.configure({"b", "a"});
  EXPECT_TRUE(admit("b", 'y', kStart + 3s) && admit("a", 'x', kStart + 3s));
  EXPECT_TRUE(used("b", kStart + 1h));
  EXPECT_FALSE(used("a", kStart + 1h));
}

}  // namespace
}  // namespace nae::agent
