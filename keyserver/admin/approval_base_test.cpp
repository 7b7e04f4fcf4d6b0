// Approvals are of a change: of what it changes, as it was, and what becomes of it. And what the
// records of administrators prove.
#include <set>

#include "keyserver/admin/admin_service_test_server.hpp"
#include "keyserver/admin/key_digest.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;

class ApprovalBaseTest : public AdminServiceTest {
 protected:
  void SetUp() override {
    AdminServiceTest::SetUp();
    for (const char* name : {"alice", "bob"})
      ASSERT_TRUE(add_admin(name, {"key-admin", "policy-admin"}));
  }
  void require_approval() {
    service_.reset();
    start_service(
        approval_rules({"key-destroy", "key-set", "admin-change", "policy-apply"}, 86'400s)
            .value());
  }
  static std::string document(std::string_view rules = {}) {
    return R"(version = 1
[[device]]
name = "db1"
[[program]]
name = "postgres"
)" + std::string(rules);
  }
  static std::string document_with(std::string_view role) {
    return document("[[rule]]\nname = \"r\"\nroles = [\"" + std::string(role) +
                    "\"]\nkeys = [\"*\"]\nactions = [\"decrypt\"]\nresult = \"value\"\n");
  }
  http::HttpResponse apply(std::string_view who, const std::string& text,
                           std::optional<int> if_revision = std::nullopt) {
    json::object body{{"document", text}};
    if (if_revision) body["if_revision"] = *if_revision;
    return call(who, "PUT", "/v1/policy", body);
  }
  json::value seen(std::string_view who, const std::string& id) {
    return parsed(call(who, "GET", "/v1/approvals/" + id));
  }
  http::HttpResponse approve(std::string_view who, const std::string& id) {
    return call(who, "POST", "/v1/approvals/" + id + "/approve",
                {{"digest", shown(seen(who, id), "digest")}});
  }
  static std::string id_of(const http::HttpResponse& response) {
    EXPECT_EQ(response.status, 202u) << response.body;
    return shown(parsed(response).at("approval"), "id");
  }
  static std::string digest_of(std::string_view text) {
    return "document:" + to_hex(crypto::sha256(as_bytes(text)));
  }
};

TEST_F(ApprovalBaseTest, ARevisionThatMovedRefusesAnApplication) {
  EXPECT_EQ(apply("alice", document(), 0).status, 200u);
  EXPECT_EQ(code(apply("alice", document_with("a"), 0)), "conflict");
  EXPECT_EQ(code(apply("alice", document_with("a"), 2)), "conflict");
  EXPECT_EQ(apply("alice", document_with("a"), 1).status, 200u);
  EXPECT_EQ(apply("alice", document_with("b")).status, 200u) << "without it nothing is asked";
  EXPECT_EQ(policy_->snapshot()->number, 3u);
}

TEST_F(ApprovalBaseTest, APolicyThatWaitsIsCheckedAndShownAsADifference) {
  require_approval();
  EXPECT_EQ(code(apply("alice", "version = 3")), "policy_invalid") << "at the request";
  EXPECT_EQ(code(apply("alice", document(), 7)), "conflict");
  http::HttpResponse waits = apply("alice", document_with("billing"));
  const std::string id = id_of(waits);
  EXPECT_THAT(waits.body, HasSubstr("billing gains decrypt on every key"));
  const json::value approval = seen("bob", id);
  EXPECT_EQ(shown(approval, "base"), "policy:0");
  EXPECT_THAT(shown(approval, "difference"), HasSubstr("billing gains decrypt on every key"));
  EXPECT_EQ(shown(seen("operator", id), "difference"), "") << "not to who may not read it";
  http::HttpResponse done = approve("bob", id);
  EXPECT_EQ(shown(parsed(done), "state"), "done") << done.body;
  EXPECT_THAT(shown(parsed(done), "difference"), HasSubstr("billing gains"));
  EXPECT_EQ(policy_->snapshot()->number, 1u);
}

TEST_F(ApprovalBaseTest, AnApprovalOfAnOlderPolicyIsRefused) {
  require_approval();
  const std::string first = id_of(apply("alice", document_with("a"))),
                    second = id_of(apply("alice", document_with("b")));
  ASSERT_EQ(shown(parsed(approve("bob", second)), "state"), "done");
  EXPECT_EQ(code(approve("bob", first)), "conflict");
  EXPECT_EQ(shown(seen("bob", first), "state"), "waiting") << "and it may be rejected";
  EXPECT_THAT(shown(seen("bob", first), "refused"), HasSubstr("policy:0 and is policy:1"));
  EXPECT_EQ(policy_->snapshot()->number, 1u);
}

TEST_F(ApprovalBaseTest, AnApprovalOfAKeyThatChangedIsRefused) {
  ASSERT_EQ(call("alice", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}}).status,
            201u);
  require_approval();
  EXPECT_EQ(code(call("alice", "PATCH", "/v1/keys/b", {{"owner", "x"}})), "key_unknown");
  const std::string id = id_of(call("alice", "PATCH", "/v1/keys/a", {{"owner", "x"}}));
  EXPECT_EQ(shown(seen("bob", id), "base"), key_digest(*ring_->find("a")));
  ASSERT_EQ(call("alice", "POST", "/v1/keys/a/rotate").status, 200u);
  EXPECT_EQ(code(approve("bob", id)), "conflict");
  const std::string again = id_of(call("alice", "PATCH", "/v1/keys/a", {{"owner", "x"}}));
  EXPECT_EQ(shown(parsed(approve("bob", again)), "state"), "done");
  EXPECT_EQ(ring_->find("a")->attributes.owner, "x");
}

TEST_F(ApprovalBaseTest, ARotationThatWasApprovedWaitsForNobodyWhenItIsRepeated) {
  ASSERT_EQ(call("alice", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}}).status,
            201u);
  ApprovalRules rules;
  rules.required = {"key-rotate"};
  start_service(std::move(rules));
  auto rotate = [&] {
    return call("alice", "POST", "/v1/keys/a/rotate", {{"if_newest_version", 1}});
  };
  const std::string first = id_of(rotate()), second = id_of(rotate());
  EXPECT_EQ(records("key-rotate").back().reason, "waiting");
  ASSERT_EQ(shown(parsed(approve("bob", first)), "state"), "done");
  EXPECT_EQ(code(approve("bob", second)), "conflict") << "the key is another one now";
  const http::HttpResponse again = rotate();
  EXPECT_EQ(again.status, 200u) << again.body;
  EXPECT_EQ(shown(parsed(again), "unchanged"), "true");
  EXPECT_EQ(records("key-rotate").back().reason, "allowed") << "nothing waits";
  EXPECT_EQ(ring_->find("a")->versions.size(), 2u);
}

TEST_F(ApprovalBaseTest, AnApprovalOfAnAdministratorWhoChangedIsRefused) {
  require_approval();
  const std::string id =
      id_of(call("alice", "PUT", "/v1/admins/bob/roles", {{"roles", json::array{"key-admin"}}}));
  ASSERT_TRUE(store_->set_admin_roles(**store_->find_admin("bob"),
                                      {"auditor", "key-admin", "policy-admin"}, {0, 1}));
  EXPECT_EQ(code(approve("bob", id)), "conflict");
}

TEST_F(ApprovalBaseTest, RecordsProveWhatWasDecided) {
  const std::string text = document_with("a");
  ASSERT_EQ(apply("alice", text).status, 200u);
  auto applied = records("policy-apply");
  ASSERT_EQ(applied.size(), 2u);
  EXPECT_THAT(applied[0].digest, HasSubstr("request:")) << "begun";
  EXPECT_EQ(applied[1].digest, digest_of(text));

  ASSERT_EQ(call("alice", "POST", "/v1/keys", {{"name", "k"}, {"type", "aes-256-gcm"}}).status,
            201u);
  EXPECT_EQ(records("key-create").back().digest, key_digest(*ring_->find("k")));
  ASSERT_EQ(call("alice", "PATCH", "/v1/keys/k", {{"owner", "crm"}}).status, 200u);
  EXPECT_EQ(records("key-set").back().digest, key_digest(*ring_->find("k")));
  EXPECT_EQ(shown(parsed(call("alice", "GET", "/v1/keys/k")), "digest"),
            records("key-set").back().digest)
      << "as it is shown";

  EXPECT_EQ(code(apply("alice", "version = 3")), "policy_invalid");
  EXPECT_EQ(records("policy-apply").back().digest, digest_of("version = 3")) << "refused ones too";

  require_approval();
  const std::string id = id_of(apply("alice", document_with("b")));
  const std::string request = "request:" + shown(seen("bob", id), "digest");
  EXPECT_EQ(records("policy-apply").back().digest, request);
  ASSERT_EQ(approve("bob", id).status, 200u);
  EXPECT_EQ(records("approve").back().digest, request);
  applied = records("policy-apply");
  EXPECT_EQ(applied.back().digest, digest_of(document_with("b")));
  EXPECT_EQ(applied[applied.size() - 2].digest, request) << "begun as the request";
}

TEST_F(ApprovalBaseTest, EveryPartOfAKeyIsInItsDigest) {
  ASSERT_EQ(call("alice", "POST", "/v1/keys", {{"name", "k"}, {"type", "aes-256-gcm"}}).status,
            201u);
  std::set<std::string> digests{key_digest(*ring_->find("k"))};
  const auto changes = {
      std::pair("/v1/keys/k", json::object{{"owner", "a"}}),
      std::pair("/v1/keys/k", json::object{{"description", "a"}}),
      std::pair("/v1/keys/k", json::object{{"labels", {{"a", "b"}}}}),
      std::pair("/v1/keys/k", json::object{{"allowed_actions", json::array{"decrypt"}}}),
      std::pair("/v1/keys/k", json::object{{"rotate_after_days", 9}}),
      std::pair("/v1/keys/k", json::object{{"rotate_after_uses", 9}}),
      std::pair("/v1/keys/k/versions/1", json::object{{"state", "restricted"}}),
  };
  for (const auto& [target, body] : changes) {
    ASSERT_EQ(call("alice", "PATCH", target, body).status, 200u) << json::serialize(body);
    EXPECT_TRUE(digests.insert(key_digest(*ring_->find("k"))).second) << json::serialize(body);
  }
  keys::Key key = *ring_->find("k");
  key.id.bytes[0] ^= 1;
  EXPECT_TRUE(digests.insert(key_digest(key)).second);
  key.name = "l";
  EXPECT_TRUE(digests.insert(key_digest(key)).second);
  key.protection = keys::Protection::hsm_only;
  EXPECT_TRUE(digests.insert(key_digest(key)).second);
  for (const Byte certificate : {Byte{1}, Byte{2}}) {
    keys::Version version = key.versions[0];
    version.certificates = {certificate};
    key.versions.replace(0, std::move(version));
    EXPECT_TRUE(digests.insert(key_digest(key)).second);
  }
}

}  // namespace
}  // namespace nae::admin
