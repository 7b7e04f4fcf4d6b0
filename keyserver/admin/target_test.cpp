#include "keyserver/admin/target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keyserver/admin/route.hpp"

namespace nae::admin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TargetTest, IsTakenApart) {
  Target target = parse_target("/v1/keys/customer-pii?from=2025-01-01&role=a%20b&empty").value();
  EXPECT_THAT(target.segments, ElementsAre("v1", "keys", "customer-pii"));
  EXPECT_EQ(target.parameters.at("role"), "a b");
  EXPECT_EQ(target.parameters.at("empty"), "");
  EXPECT_THAT(parse_target("/")->segments, IsEmpty());
  EXPECT_THAT(parse_target("/v1?")->parameters, IsEmpty());
}

TEST(TargetTest, SecondSpellingsAreRefused) {
  for (std::string_view text : {"",
                                "v1/keys",
                                "http://k/v1/keys",
                                "*",
                                "//v1",
                                "/v1//keys",
                                "/v1/keys/",
                                "/v1/./keys",
                                "/v1/../keys",
                                "/v1/%2e%2e/keys",
                                "/v1/a%2Fb",
                                "/v1/%",
                                "/v1/%4",
                                "/v1/%zz",
                                "/v1/a%00b",
                                "/v1/a%0ab",
                                "/v1/%ff",
                                "/v1#x",
                                "/v1?a=1&a=2",
                                "/v1?a=%0d%0a"})
    EXPECT_FALSE(parse_target(text)) << text;
}

TEST(RouteTest, PathsLeadToTheirCalls) {
  auto action = [](std::string_view method, std::string_view path) {
    Match found = match(method, parse_target(path).value());
    return found.route ? found.route->action : std::string_view();
  };
  EXPECT_EQ(action("GET", "/v1/keys"), "key-list");
  EXPECT_EQ(action("GET", "/v1/keys/a"), "key-show");
  EXPECT_EQ(action("POST", "/v1/keys/a/rotate"), "key-rotate");
  EXPECT_EQ(action("PATCH", "/v1/keys/a/versions/2"), "key-state");
  EXPECT_EQ(action("PATCH", "/v1/keys/a"), "key-set");
  EXPECT_EQ(action("GET", "/v1/keys/a/usage"), "key-usage");
  EXPECT_EQ(action("POST", "/v1/keys/a/versions/2/schedule"), "key-schedule");
  EXPECT_EQ(action("DELETE", "/v1/keys/a/versions/2/schedule/retired"), "key-unschedule");
  EXPECT_EQ(action("GET", "/v1/policy/history"), "policy-history");
  EXPECT_EQ(action("GET", "/v1"), "");
  EXPECT_EQ(action("GET", "/v1/keys/a/rotate"), "");
  EXPECT_EQ(action("GET", "/v1/keys/a/b/c/d/e"), "");
  EXPECT_EQ(action("get", "/v1/keys"), "");
}

TEST(RouteTest, AWrongMethodIsToldTheRightOnes) {
  Match found = match("DELETE", parse_target("/v1/keys").value());
  EXPECT_EQ(found.route, nullptr);
  EXPECT_EQ(found.allow, "GET, POST");
  EXPECT_EQ(match("GET", parse_target("/v2").value()).allow, "");
}

TEST(RouteTest, NoRoleMayChangeWhatAnotherAnswersFor) {
  for (const Route& route : routes()) {
    if (!route.effect.changes || route.permission) continue;  // those ask for the roles they touch
    if (route.of_device) continue;                            // no administrator has a part in it
    if (route.action == "approval-presence") continue;        // the card decides, not who brings it
    int holders = 0;
    for (AdminRole role : admin_roles()) holders += route.any_of.contains(role);
    EXPECT_EQ(holders, 1) << route.action;
    EXPECT_FALSE(route.any_of.contains(AdminRole::auditor)) << route.action;
  }
}

}  // namespace
}  // namespace nae::admin
