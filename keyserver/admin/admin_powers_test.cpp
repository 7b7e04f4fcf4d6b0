// Who may appoint whom, and what takes a second administrator.
#include "keyserver/admin/admin_service_test_server.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;

class AdminPowersTest : public AdminServiceTest {
 protected:
  static std::string request_by(const crypto::KeyPair& pair) {
    return crypto::make_request(pair.private_key_pem, "anything").value();
  }
  static std::string new_request() { return request_by(crypto::generate_p256().value()); }
  http::HttpResponse add(std::string_view who, const std::string& name, json::array roles,
                         const std::string& request = new_request()) {
    return call(who, "POST", "/v1/admins",
                {{"name", name}, {"roles", std::move(roles)}, {"request", request}});
  }
  http::HttpResponse call_with(const std::string& fingerprint, const std::string& who) {
    http::HttpRequest request{"GET", "/v1/keys", "", ""};
    return service_->serve(request, {{net::PeerKind::admin, who, "01", fingerprint}, "here:1"});
  }
};

TEST_F(AdminPowersTest, EachDutyAppointsItsOwn) {
  crypto::KeyPair pair = crypto::generate_p256().value();
  http::HttpResponse made = add("key-admin", "alice", {"key-admin"}, request_by(pair));
  ASSERT_EQ(made.status, 201u) << made.body;
  crypto::CertificateInfo info =
      crypto::read_certificate(shown(parsed(made), "certificate")).value();
  EXPECT_EQ(info.uri_names, std::vector<std::string>{"nae://admin/alice"});
  EXPECT_EQ(info.spki, pair.spki);
  EXPECT_EQ(call_with(info.fingerprint, "alice").status, 200u);
  EXPECT_THAT(records("admin-add").back().detail, HasSubstr("roles key-admin"));
  for (AdminRole role : admin_roles()) {
    std::string name(name_of(role));
    if (name == "key-admin") continue;
    EXPECT_EQ(code(add("key-admin", "mallory", {name})), "admin_role_missing") << name;
    EXPECT_EQ(code(add("key-admin", "mallory", {"key-admin", name})), "admin_role_missing");
    EXPECT_EQ(code(call("key-admin", "PUT", "/v1/admins/key-admin/roles",
                        {{"roles", json::array{"key-admin", name}}})),
              "admin_role_missing")
        << "nobody gives himself " << name;
    EXPECT_EQ(code(call("key-admin", "DELETE", "/v1/admins/" + name)), "admin_role_missing");
  }
  EXPECT_EQ(records("admin-roles").back().reason, "admin_role_missing");
}

TEST_F(AdminPowersTest, MalformedAppointmentsAreRefused) {
  auto refusal = [&](json::object body) {
    return code(call("auditor", "POST", "/v1/admins", body));
  };
  std::string request = new_request();
  json::array auditor{"auditor"};
  EXPECT_EQ(refusal({{"name", "a b"}, {"roles", auditor}, {"request", request}}),
            "invalid_argument");
  EXPECT_EQ(refusal({{"name", "a"}, {"roles", json::array{}}, {"request", request}}),
            "invalid_argument");
  EXPECT_EQ(refusal({{"name", "a"}, {"roles", json::array{"root"}}, {"request", request}}),
            "invalid_argument");
  EXPECT_EQ(
      refusal({{"name", "a"}, {"roles", json::array{"auditor", "auditor"}}, {"request", request}}),
      "invalid_argument");
  EXPECT_EQ(refusal({{"name", "a"}, {"roles", auditor}, {"request", "none"}}), "invalid_argument");
  for (int days : {0, 826})
    EXPECT_EQ(
        refusal({{"name", "a"}, {"roles", auditor}, {"request", request}, {"valid_days", days}}),
        "invalid_argument");
  EXPECT_EQ(refusal({{"name", "a"}, {"roles", auditor}, {"request", request}, {"all", true}}),
            "invalid_argument");
  EXPECT_EQ(store_->list_admins()->size(), 4u);
}

TEST_F(AdminPowersTest, AnAdministratorsNameBelongsToItsKey) {
  EXPECT_EQ(call_with(std::string(64, '0'), "auditor").status, 403u);
  EXPECT_EQ(code(call_with(std::string(64, '0'), "auditor")), "certificate_rejected");
  crypto::KeyPair pair = crypto::generate_p256().value();
  ASSERT_EQ(add("auditor", "alice", {"auditor"}, request_by(pair)).status, 201u);
  EXPECT_EQ(code(add("auditor", "alice", {"auditor"})), "conflict") << "the name is taken";
  EXPECT_EQ(code(add("auditor", "alice2", {"auditor"}, request_by(pair))), "conflict")
      << "one key, one name";
}

// Whoever lost the answer asks again, and nothing else changes.
TEST_F(AdminPowersTest, ARepeatedAppointmentIssuesAnotherCertificate) {
  crypto::KeyPair pair = crypto::generate_p256().value();
  ASSERT_EQ(add("auditor", "alice", {"auditor"}, request_by(pair)).status, 201u);
  http::HttpResponse again = add("auditor", "alice", {"auditor"}, request_by(pair));
  ASSERT_EQ(again.status, 201u) << again.body;
  const std::optional<store::Admin> alice = store_->find_admin("alice").value();
  EXPECT_EQ(alice->certificates.size(), 2u);
  EXPECT_EQ(alice->roles, std::vector<std::string>{"auditor"});
  EXPECT_EQ(call_with(shown(parsed(again), "fingerprint"), "alice").status, 200u);
  ASSERT_TRUE(add_admin("boss", {"auditor", "operator"}));
  EXPECT_EQ(code(add("boss", "alice", {"auditor", "operator"}, request_by(pair))), "conflict")
      << "an appointment changes no roles";
  EXPECT_EQ(code(add("operator", "alice", {"auditor"}, request_by(pair))), "admin_role_missing");
}

TEST_F(AdminPowersTest, OnesOwnCertificateIsRenewedForTheSameKey) {
  crypto::KeyPair pair = crypto::generate_p256().value();
  http::HttpResponse made = add("auditor", "alice", {"auditor"}, request_by(pair));
  ASSERT_EQ(made.status, 201u);
  std::string first = shown(parsed(made), "fingerprint");
  auto renew = [&](const std::string& as, const std::string& request) {
    http::HttpRequest http{"POST", "/v1/admins/alice/certificate", "application/json",
                           json::serialize(json::object{{"request", request}})};
    http::Peer who = as == "alice"
                         ? http::Peer{{net::PeerKind::admin, "alice", "01", first}, "here:1"}
                         : peer(as);
    return service_->serve(http, who);
  };
  EXPECT_EQ(code(renew("auditor", request_by(pair))), "admin_role_missing") << "nobody else";
  EXPECT_EQ(code(renew("alice", new_request())), "conflict") << "another key";
  http::HttpResponse renewed = renew("alice", request_by(pair));
  ASSERT_EQ(renewed.status, 201u) << renewed.body;
  EXPECT_EQ(call_with(shown(parsed(renewed), "fingerprint"), "alice").status, 200u);
  EXPECT_EQ(call_with(first, "alice").status, 200u) << "until it expires";
  ASSERT_EQ(call("auditor", "DELETE", "/v1/admins/alice").status, 200u);
  EXPECT_EQ(call_with(first, "alice").status, 403u) << "out at once, with both";
  EXPECT_EQ(call_with(shown(parsed(renewed), "fingerprint"), "alice").status, 403u);
}

TEST_F(AdminPowersTest, AnExpiredCertificateIsRefusedOnAnOpenConnection) {
  ASSERT_TRUE(store_->insert_admin(
      {"late", {"auditor"}, 1, fingerprint_of("late"), {{fingerprint_of("late"), "01", 1, 2}}}));
  EXPECT_EQ(code(call("late", "GET", "/v1/keys")), "certificate_rejected");
}

TEST_F(AdminPowersTest, TheLastOneKeepsTheRole) {
  EXPECT_EQ(code(call("auditor", "DELETE", "/v1/admins/auditor")), "conflict");
  ASSERT_TRUE(add_admin("boss", {"auditor", "operator"}));
  EXPECT_EQ(
      call("boss", "PUT", "/v1/admins/boss/roles", {{"roles", json::array{"auditor"}}}).status,
      200u);
  EXPECT_EQ(code(call("boss", "DELETE", "/v1/devices/db1")), "admin_role_missing");
  EXPECT_EQ(call("boss", "DELETE", "/v1/admins/auditor").status, 200u);
  EXPECT_EQ(code(call("boss", "DELETE", "/v1/admins/boss")), "conflict");
}

class ApprovalTest : public AdminPowersTest {
 protected:
  void SetUp() override {
    AdminPowersTest::SetUp();
    for (const char* name : {"alice", "bob"}) ASSERT_TRUE(add_admin(name, {"key-admin"}));
    restart_with(86'400s);
  }
  void restart_with(std::chrono::seconds lasts) {
    service_.reset();
    start_service(
        approval_rules({"key-create", "key-destroy", "admin-change", "policy-apply"}, lasts)
            .value());
  }
  // The id of a request that waits.
  std::string id_of(const http::HttpResponse& response) {
    EXPECT_EQ(response.status, 202u) << response.body;
    return shown(parsed(response).at("approval"), "id");
  }
  std::string request_key(std::string_view who, const std::string& key) {
    return id_of(call(who, "POST", "/v1/keys", {{"name", key}, {"type", "aes-256-gcm"}}));
  }
  json::value seen(std::string_view who, const std::string& id) {
    return parsed(call(who, "GET", "/v1/approvals/" + id));
  }
  http::HttpResponse approve(std::string_view who, const std::string& id) {
    return call(who, "POST", "/v1/approvals/" + id + "/approve",
                {{"digest", shown(seen(who, id), "digest")}});
  }
};

TEST_F(ApprovalTest, NothingIsDoneBeforeASecondOneApproves) {
  std::string id = request_key("alice", "a");
  EXPECT_EQ(ring_->size(), 0u);
  EXPECT_EQ(records("key-create").back().reason, "waiting");
  EXPECT_EQ(shown(seen("bob", id), "body"), R"({"name":"a","type":"aes-256-gcm"})");
  http::HttpResponse done = approve("bob", id);
  ASSERT_EQ(done.status, 200u) << done.body;
  EXPECT_EQ(shown(parsed(done), "state"), "done");
  EXPECT_EQ(shown(parsed(done), "status"), "201");
  EXPECT_EQ(ring_->size(), 1u);
  audit::StoredRecord record = records("key-create").back();
  EXPECT_EQ(record.admin, "alice");
  EXPECT_THAT(record.detail, HasSubstr("approved by bob as " + id));
  EXPECT_EQ(records("approve").back().admin, "bob");
  EXPECT_THAT(records("approve").back().detail, HasSubstr("key-create /v1/keys by alice, done"));
  EXPECT_EQ(code(approve("bob", id)), "conflict") << "once";
  EXPECT_EQ(ring_->size(), 1u);
  EXPECT_EQ(shown(seen("bob", id), "body"), "") << "the body goes with the decision";
}

TEST_F(ApprovalTest, DecisionsAreShownAsAList) {
  std::string id = request_key("alice", "a"), other = request_key("alice", "b");
  EXPECT_EQ(seen("bob", id).at("decisions"), json::array());
  EXPECT_EQ(shown(seen("bob", id), "decided_by"), "");
  std::string digest = shown(seen("bob", id), "digest");
  ASSERT_EQ(approve("bob", id).status, 200u);
  ASSERT_EQ(call("bob", "POST", "/v1/approvals/" + other + "/reject").status, 200u);
  const json::value done = seen("alice", id), rejected = seen("alice", other);
  ASSERT_EQ(done.at("decisions").as_array().size(), 1u);
  const json::value& decision = done.at("decisions").as_array()[0];
  EXPECT_EQ(shown(decision, "by"), "bob");
  EXPECT_EQ(shown(decision, "decision"), "approved");
  EXPECT_EQ(shown(decision, "digest"), digest);
  EXPECT_EQ(shown(decision, "at"), shown(done, "decided_at"));
  EXPECT_EQ(shown(done, "decided_by"), "bob");
  EXPECT_EQ(shown(rejected.at("decisions").as_array()[0], "decision"), "rejected");
}

TEST_F(ApprovalTest, ARequestThatIsSentAgainWaitsOnce) {
  std::string id = request_key("alice", "a");
  EXPECT_EQ(request_key("alice", "a"), id);
  EXPECT_NE(request_key("alice", "b"), id);
  EXPECT_NE(request_key("bob", "a"), id);
  ASSERT_EQ(approve("bob", id).status, 200u);
  EXPECT_EQ(ring_->size(), 1u);
}

TEST_F(ApprovalTest, OnlyAnotherOneWithTheRoleApproves) {
  std::string id = request_key("alice", "a");
  EXPECT_EQ(code(approve("alice", id)), "approval_required");
  for (const char* name : {"auditor", "operator", "policy-admin"})
    EXPECT_EQ(code(approve(name, id)), "admin_role_missing") << name;
  EXPECT_EQ(shown(seen("operator", id), "body"), "") << "nor reads what it says";
  EXPECT_NE(shown(seen("auditor", id), "body"), "");
  EXPECT_EQ(code(call("operator", "POST", "/v1/approvals/" + id + "/reject")),
            "admin_role_missing");
  EXPECT_EQ(ring_->size(), 0u);
  EXPECT_EQ(records("approve").back().reason, "admin_role_missing");
  EXPECT_EQ(code(approve("bob", "0000000000000000")), "not_found");
}

TEST_F(ApprovalTest, ApprovalBindsWhatWasSeen) {
  std::string id = request_key("alice", "a"), other = request_key("alice", "b");
  json::object digest{{"digest", shown(seen("bob", other), "digest")}};
  EXPECT_EQ(code(call("bob", "POST", "/v1/approvals/" + id + "/approve", digest)), "conflict");
  EXPECT_EQ(code(call("bob", "POST", "/v1/approvals/" + id + "/approve")), "invalid_argument");
  EXPECT_EQ(ring_->size(), 0u);
}

TEST_F(ApprovalTest, TheRequesterMustStillHaveTheRole) {
  std::string id = request_key("alice", "a"), second = request_key("alice", "b");
  ASSERT_TRUE(store_->set_admin_roles(**store_->find_admin("alice"), {"auditor"}, {0, 1}));
  http::HttpResponse failed = approve("bob", id);
  EXPECT_EQ(shown(parsed(failed), "state"), "failed") << failed.body;
  EXPECT_EQ(shown(parsed(failed).at("answer"), "code"), "admin_role_missing");
  ASSERT_TRUE(store_->remove_admin(**store_->find_admin("alice"), {0, 1}));
  EXPECT_EQ(shown(parsed(approve("bob", second)).at("answer"), "code"), "admin_role_missing");
  EXPECT_EQ(ring_->size(), 0u);
}

TEST_F(ApprovalTest, RejectedWithdrawnAndExpiredOnesAreOver) {
  std::string rejected = request_key("alice", "a"), withdrawn = request_key("alice", "b");
  EXPECT_EQ(call("bob", "POST", "/v1/approvals/" + rejected + "/reject").status, 200u);
  EXPECT_EQ(call("alice", "POST", "/v1/approvals/" + withdrawn + "/reject").status, 200u);
  restart_with(0s);
  std::string expired = request_key("alice", "c");
  for (const std::string& id : {rejected, withdrawn, expired})
    EXPECT_EQ(code(approve("bob", id)), "conflict");
  EXPECT_EQ(shown(seen("bob", expired), "state"), "expired");
  EXPECT_EQ(ring_->size(), 0u);
}

TEST_F(ApprovalTest, WhatIsInterruptedIsNotDoneAgain) {
  std::string id = request_key("alice", "a");
  std::int64_t now_us = ::time(nullptr) * 1'000'000;
  ASSERT_TRUE(store_->decide_approval(
      id, {"bob", store::Verdict::approved, shown(seen("bob", id), "digest"), now_us}, 1));
  ASSERT_EQ(store_->interrupt_approvals()->size(), 1u);  // as the start of the server does
  EXPECT_EQ(code(approve("bob", id)), "conflict");
  EXPECT_EQ(shown(seen("bob", id), "state"), "interrupted");
  EXPECT_EQ(ring_->size(), 0u);
}

TEST_F(ApprovalTest, DestroyingIsAClassOfItsOwn) {
  ASSERT_EQ(shown(parsed(approve("bob", request_key("alice", "a"))), "state"), "done");
  std::string first = "/v1/keys/a/versions/1";
  EXPECT_EQ(call("alice", "POST", "/v1/keys/a/rotate").status, 200u);
  EXPECT_EQ(call("alice", "PATCH", first, {{"state", "retired"}}).status, 200u);
  std::string id = id_of(call("alice", "PATCH", first, {{"state", "destroyed"}}));
  EXPECT_EQ(shown(seen("bob", id), "operation"), "key-destroy");
  ASSERT_EQ(approve("bob", id).status, 200u);
  EXPECT_THAT(call("alice", "GET", "/v1/keys/a").body, HasSubstr("destroyed"));
}

TEST_F(ApprovalTest, NobodyAppointsHisOwnApprover) {
  http::HttpResponse waits = add("alice", "twin", {"key-admin"});
  std::string id = id_of(waits);
  EXPECT_EQ(*store_->find_admin("twin"), std::nullopt);
  EXPECT_EQ(code(approve("alice", id)), "approval_required");
  EXPECT_EQ(code(approve("auditor", id)), "admin_role_missing")
      << "who appoints and who approves hold the role";
  http::HttpResponse done = approve("bob", id);
  EXPECT_EQ(shown(parsed(done), "state"), "done") << done.body;
  EXPECT_THAT(shown(parsed(done).at("answer"), "certificate"), HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_EQ(shown(seen("alice", id).at("answer"), "name"), "twin") << "and the requester gets it";
}

TEST_F(ApprovalTest, TwoAreLeftToApproveEachOther) {
  ASSERT_TRUE(store_->remove_admin(**store_->find_admin("key-admin"), {0, 1}));
  http::HttpResponse done = approve("alice", id_of(call("bob", "DELETE", "/v1/admins/bob")));
  EXPECT_EQ(shown(parsed(done), "state"), "failed");
  EXPECT_EQ(shown(parsed(done).at("answer"), "code"), "conflict");
}

TEST_F(ApprovalTest, WaitingRequestsAreBounded) {
  for (int i = 0; i < 20; ++i) request_key("alice", "k" + std::to_string(i));
  EXPECT_EQ(code(call("alice", "POST", "/v1/keys", {{"name", "x"}, {"type", "aes-256-gcm"}})),
            "overloaded");
  request_key("bob", "x");
}

TEST(ApprovalRules, NameOperationsThatThereAre) {
  EXPECT_TRUE(approval_rules({}, 1s));
  EXPECT_FALSE(approval_rules({}, 1s)->any());
  EXPECT_TRUE(approval_rules({"admin-change"}, 1s));
  EXPECT_EQ(approval_rules({"admin-change", "key-peek"}, 1s).error().code, Code::config_invalid);
  EXPECT_EQ(approval_rules({"key-destroy"}, 1s).error().code, Code::config_invalid)
      << "without admin-change one would appoint his own approver";
  for (const char* never : {"", "status", "key-list", "approve", "reject", "admin-renew"})
    EXPECT_FALSE(approval_rules({"admin-change", never}, 1s)) << never;
}

}  // namespace
}  // namespace nae::admin
