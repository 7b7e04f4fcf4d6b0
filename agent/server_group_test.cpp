#include "agent/server_group.hpp"

#include <gtest/gtest.h>

namespace nae::agent {
namespace {

TEST(ServerGroup, ServersOfOneStoreAreAdmitted) {
  ServerGroup group;
  group.configure({"a", "b"});
  EXPECT_TRUE(group.admit("b", "one"));
  EXPECT_TRUE(group.admit("a", "one"));
  EXPECT_TRUE(group.check("b"));
}

TEST(ServerGroup, TheFirstOfTheConfigurationSaysWhichStoreItIs) {
  ServerGroup group;
  group.configure({"a", "b", "c"});
  EXPECT_TRUE(group.admit("b", "two"));
  EXPECT_EQ(group.admit("c", "three").error().code, Code::conflict);
  EXPECT_TRUE(group.admit("a", "one"));
  EXPECT_EQ(group.check("b").error().code, Code::conflict);
  EXPECT_FALSE(group.admit("b", "two"));
  EXPECT_TRUE(group.admit("b", "one"));
}

TEST(ServerGroup, AStoreThatWasMadeAnewReplacesTheOldOne) {
  ServerGroup group;
  group.configure({"a", "b"});
  EXPECT_TRUE(group.admit("a", "one"));
  EXPECT_TRUE(group.admit("b", "one"));
  EXPECT_TRUE(group.admit("a", "two"));
  EXPECT_FALSE(group.check("b"));
}

TEST(ServerGroup, AnotherConfigurationForgetsServersThatItDoesNotName) {
  ServerGroup group;
  group.configure({"a", "b"});
  EXPECT_TRUE(group.admit("a", "one"));
  EXPECT_FALSE(group.admit("b", "two"));
  group.configure({"b", "a"});
  EXPECT_TRUE(group.admit("b", "two"));
  EXPECT_FALSE(group.check("a"));
  group.configure({"b"});
  EXPECT_TRUE(group.check("b"));
}

}  // namespace
}  // namespace nae::agent
