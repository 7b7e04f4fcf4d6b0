// Administration where several key servers answer: of one in charge, and of one that follows.
#include "keyserver/admin/admin_service_test_server.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;

class GroupServiceTest : public AdminServiceTest {
 protected:
  void SetUp() override {
    AdminServiceTest::SetUp();
    parts_->in_force = [this]() -> Result<void> {
      ++waited_;
      if (!in_force_) return fail(Code::timeout, "ks2 has not said so");
      return {};
    };
    service_ = std::make_unique<AdminService>(*parts_);
  }
  void follow() {
    parts_->in_force = {};
    parts_->in_charge = [] { return "ks1 at 10.0.0.1:7443"; };
    service_ = std::make_unique<AdminService>(*parts_);
  }
  http::HttpResponse create_key(const std::string& name) {
    return call("key-admin", "POST", "/v1/keys", {{"name", name}, {"type", "aes-256-gcm"}});
  }
  int waited_ = 0;
  bool in_force_ = true;
};

TEST_F(GroupServiceTest, AChangeIsAnsweredWhenItIsInForceEverywhere) {
  EXPECT_EQ(create_key("pii").status, 201u);
  EXPECT_EQ(waited_, 1);
  EXPECT_EQ(call("key-admin", "GET", "/v1/keys").status, 200u);
  EXPECT_EQ(waited_, 1) << "what changes nothing waits for nobody";
  EXPECT_EQ(create_key("pii").status, 409u);
  EXPECT_EQ(waited_, 2) << "what is refused may have been made by a call that was cut off";
  in_force_ = false;
  const auto refused = create_key("pii");
  EXPECT_EQ(refused.status, 409u);
  EXPECT_THAT(refused.body, HasSubstr("ks2 has not said so"));
}

TEST_F(GroupServiceTest, OneThatIsNotInForceEverywhereIsNoSuccess) {
  in_force_ = false;
  const auto answer = create_key("pii");
  EXPECT_EQ(code(answer), "timeout");
  EXPECT_THAT(answer.body, HasSubstr("ks2 has not said so"));
  EXPECT_TRUE(ring_->find("pii")) << "it was made all the same";
  EXPECT_EQ(shown(parsed(answer).at("answer"), "name"), "pii") << "and what was issued is told";
}

TEST_F(GroupServiceTest, WhatIsSoAlreadyIsWaitedForAsWell) {
  const std::string text = "version = 1\n";
  const json::object policy{{"document", text}};
  EXPECT_EQ(call("policy-admin", "PUT", "/v1/policy", policy).status, 200u);
  in_force_ = false;
  EXPECT_EQ(code(call("policy-admin", "PUT", "/v1/policy", policy)), "timeout");
}

TEST_F(GroupServiceTest, WhatWasApprovedIsWaitedForOnceAndDoneAllTheSame) {
  for (const char* name : {"alice", "bob"}) ASSERT_TRUE(add_admin(name, {"policy-admin"}));
  parts_->approval =
      approval_rules({"admin-change", "policy-apply"}, std::chrono::hours(24)).value();
  service_ = std::make_unique<AdminService>(*parts_);
  const auto asked = call("alice", "PUT", "/v1/policy", {{"document", "version = 1\n"}});
  ASSERT_EQ(asked.status, 202u) << asked.body;
  EXPECT_EQ(waited_, 0) << "nothing is in force yet";
  const std::string path =
      "/v1/approvals/" + std::string(shown(parsed(asked).at("approval"), "id"));
  const std::string digest = shown(parsed(call("bob", "GET", path)), "digest");
  in_force_ = false;
  const auto approved = call("bob", "POST", path + "/approve", {{"digest", digest}});
  EXPECT_EQ(waited_, 1);
  EXPECT_EQ(code(approved), "timeout");
  EXPECT_EQ(shown(parsed(approved).at("answer"), "state"), "done");
  EXPECT_EQ(shown(parsed(call("alice", "GET", path)), "state"), "done");
}

TEST_F(GroupServiceTest, OneThatFollowsLeavesAllButItsOwnToTheOneInCharge) {
  follow();
  for (const Route& route : routes()) {
    if (route.of_device) continue;
    std::string path(route.path);
    for (std::size_t at; (at = path.find("{}")) != std::string::npos;) path.replace(at, 2, "1");
    const std::string who = route.any_of.intersects({AdminRole::auditor})     ? "auditor"
                            : route.any_of.intersects({AdminRole::key_admin}) ? "key-admin"
                            : route.any_of.intersects({AdminRole::operator_}) ? "operator"
                                                                              : "policy-admin";
    const auto answer = call(who, std::string(route.method), path);
    const bool own = route.action == "status" || route.action == "node-list" ||
                     (route.action.starts_with("audit-") && route.method == "GET");
    if (own) {
      EXPECT_THAT(answer.body, testing::Not(HasSubstr("10.0.0.1"))) << path;
      continue;
    }
    EXPECT_EQ(code(answer), "server_unavailable") << route.action;
    EXPECT_THAT(answer.body, HasSubstr("Ask the one in charge: ks1 at 10.0.0.1:7443"))
        << route.action;
  }
}

TEST_F(GroupServiceTest, WhoHasNoRoleIsNotToldWhoIsInCharge) {
  follow();
  EXPECT_EQ(code(call("operator", "POST", "/v1/keys", {{"name", "pii"}})), "admin_role_missing");
}

}  // namespace
}  // namespace nae::admin
