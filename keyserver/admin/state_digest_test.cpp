#include "keyserver/admin/state_digest.hpp"

#include <set>

#include "keyserver/admin/admin_service_test_server.hpp"

namespace nae::admin {
namespace {

class StateDigestTest : public AdminServiceTest {
 protected:
  // Made anew, and by one that has known every state before: the same.
  crypto::Sha256Digest digest() {
    operations::ToldState anew, grown;
    StateDigest(*ring_, *policy_, *devices_).update(anew);
    if (!grown_) grown_.emplace(*ring_, *policy_, *devices_);
    grown_->update(grown);
    EXPECT_EQ(anew.get(), grown.get());
    return anew.get();
  }
  // After a call that works and changes something that servers of one store must have in common.
  void expect_change(const http::HttpResponse& response, const char* what) {
    EXPECT_LT(response.status, 300u) << what << response.body;
    EXPECT_TRUE(seen_.insert(digest()).second) << what;
  }
  void expect_none(const char* what) { EXPECT_EQ(digest(), before_) << what; }

  std::set<crypto::Sha256Digest> seen_;
  crypto::Sha256Digest before_{};
  std::optional<StateDigest> grown_;
};

TEST_F(StateDigestTest, EachChangeOfAnAdministratorIsAnotherDigest) {
  seen_.insert(digest());
  auto keys = [&](std::string method, const std::string& target, const json::object& body = {}) {
    return call("key-admin", std::move(method), "/v1/keys" + target, body);
  };
  expect_change(keys("POST", "", {{"name", "a"}, {"type", "aes-256-gcm"}}), "a key");
  expect_change(keys("POST", "", {{"name", "b"}, {"type", "aes-256-gcm"}}), "another key");
  expect_change(keys("POST", "/a/rotate"), "a version");
  expect_change(keys("PATCH", "/a", {{"owner", "payments"}}), "an attribute");
  expect_change(keys("PATCH", "/a/versions/1", {{"state", "restricted"}}), "a state");
  expect_change(keys("PATCH", "/a/versions/1", {{"state", "retired"}}), "another state");
  expect_change(keys("PATCH", "/a/versions/1", {{"state", "destroyed"}}), "a destruction");
  constexpr const char* kPolicy = "version = 1\n";
  auto apply = [&](const std::string& text) {
    return call("policy-admin", "PUT", "/v1/policy", {{"document", text}});
  };
  expect_change(apply(kPolicy), "a policy");
  expect_change(apply(std::string(kPolicy) + "# and a comment\n"), "another text");
  expect_change(apply(kPolicy), "an earlier text, a new version");
  before_ = digest();
  EXPECT_EQ(apply(kPolicy).status, 200u);
  expect_none("the text that is in force");
}

TEST_F(StateDigestTest, DevicesAndTheirRemovalsAreInIt) {
  auto insert = [&](const char* name, char mark) {
    const std::string fingerprint(64, mark), key(64, name[2]);
    ASSERT_TRUE(store_->insert_device({name, fingerprint, "01", 1, 2, key, 0}));
    ASSERT_TRUE(devices_->reload());
    EXPECT_TRUE(seen_.insert(digest()).second);
  };
  seen_.insert(digest());
  insert("db1", 'a');
  insert("db2", 'b');
  insert("db1", 'c');  // a second certificate of one name
  ASSERT_TRUE(store_->remove_device("db1", 5));
  ASSERT_TRUE(devices_->reload());
  EXPECT_TRUE(seen_.insert(digest()).second);
}

TEST_F(StateDigestTest, WhatIsRefusedOrOnlyReadChangesNothing) {
  ASSERT_EQ(call("key-admin", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}}).status,
            201u);
  before_ = digest();
  EXPECT_EQ(call("key-admin", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}}).status,
            409u);
  expect_none("a refusal");
  EXPECT_EQ(call("auditor", "GET", "/v1/keys/a").status, 200u);
  expect_none("a question");
  policy_->bump_epoch();
  expect_none("an epoch");
}

TEST_F(StateDigestTest, AServerThatStartsOnTheSameStoreTellsTheSame) {
  for (const char* name : {"b", "a", "c"})
    ASSERT_EQ(
        call("key-admin", "POST", "/v1/keys", {{"name", name}, {"type", "aes-256-gcm"}}).status,
        201u);
  before_ = digest();
  keys::KeyRing ring(*store_, store_.get(),
                     [](keys::HsmJob job) { return hsm_->call(std::move(job), 5s); });
  ASSERT_TRUE(ring.load());
  const auto policy = policy::PolicyBook::open(*store_).value();
  operations::ToldState told;
  EXPECT_TRUE(StateDigest(ring, *policy, *devices_).update(told));
  EXPECT_EQ(told.get(), before_);
}

TEST_F(StateDigestTest, TheServerIsAskedToTellAfterEachCallThatMayChange) {
  int told = 0;
  AdminParts parts = *parts_;
  parts.change.made = [&] { ++told; };
  service_ = std::make_unique<AdminService>(parts);
  EXPECT_EQ(call("auditor", "GET", "/v1/keys").status, 200u);
  EXPECT_EQ(told, 0);
  EXPECT_EQ(call("key-admin", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}}).status,
            201u);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(call("key-admin", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}}).status,
            409u);
  EXPECT_EQ(told, 2);  // it may have got as far as the store
}

}  // namespace
}  // namespace nae::admin
