// Administrators and what they request of each other, as the store keeps it.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "keyserver/store/sqlite/store.hpp"

namespace nae::store::sqlite {
namespace {

class AdminsTest : public ::testing::Test {
 protected:
  AdminsTest() {
    char name[] = "/tmp/nae-store-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~AdminsTest() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Store> create() { return Store::create(directory_ / "store.db").value(); }
  std::unique_ptr<Store> reopen() { return Store::open(directory_ / "store.db").value(); }

  std::filesystem::path directory_;
};

Admin admin_named(std::string name, std::vector<std::string> roles, char key) {
  AdminCertificate certificate{std::string(64, key), "0a", 5, 1000};
  return {std::move(name), std::move(roles), 5, std::string(64, key), {certificate}};
}

TEST_F(AdminsTest, AdminsHaveRoles) {
  auto store = create();
  Admin alice = admin_named("alice", {"auditor", "key-admin"}, 'a');
  ASSERT_TRUE(store->insert_admin(alice));
  ASSERT_TRUE(store->insert_admin(admin_named("bob", {}, 'b')));
  EXPECT_EQ(store->insert_admin(admin_named("alice", {}, 'c')).error().code, Code::conflict);
  EXPECT_EQ(store->insert_admin(admin_named("carol", {"auditor", "auditor"}, 'c')).error().code,
            Code::conflict);
  EXPECT_EQ(*store->find_admin("alice"), alice);
  EXPECT_EQ(*store->find_admin("carol"), std::nullopt) << "stored whole or not at all";
  EXPECT_EQ(store->list_admins()->size(), 2u);
  EXPECT_EQ(store->list_admins()->front(), alice);
}

TEST_F(AdminsTest, AKeyIsOneAdministrators) {
  auto store = create();
  ASSERT_TRUE(store->insert_admin(admin_named("alice", {"auditor"}, 'a')));
  Admin twin = admin_named("alice2", {"auditor"}, 'a');
  twin.certificates[0].fingerprint = std::string(64, 'f');
  EXPECT_EQ(store->insert_admin(twin).error().code, Code::conflict);
  ASSERT_TRUE(store->insert_admin_certificate(admin_named("alice", {}, 'a'),
                                              {std::string(64, 'e'), "0b", 6, 2000}));
  EXPECT_EQ((*store->find_admin("alice"))->certificates.size(), 2u);
  for (const Admin& other : {admin_named("alice", {}, 'c'), admin_named("bob", {}, 'a')})
    EXPECT_EQ(
        store->insert_admin_certificate(other, {std::string(64, 'd'), "0b", 6, 2000}).error().code,
        Code::conflict);
}

TEST_F(AdminsTest, SomebodyIsLeftToHoldARole) {
  auto store = create();
  Admin alice = admin_named("alice", {"auditor", "key-admin"}, 'a');
  Admin bob = admin_named("bob", {"auditor"}, 'b');
  ASSERT_TRUE(store->insert_admin(alice));
  ASSERT_TRUE(store->insert_admin(bob));
  auto code = [](const Result<void>& done) { return done ? Code() : done.error().code; };
  EXPECT_EQ(code(store->remove_admin(alice, {1, 100})), Code::conflict) << "the last key-admin";
  EXPECT_EQ(code(store->set_admin_roles(alice, {"auditor"}, {1, 100})), Code::conflict);
  EXPECT_EQ(code(store->remove_admin(bob, {2, 100})), Code::conflict) << "two must be left";
  EXPECT_EQ(code(store->remove_admin(bob, {1, 1000})), Code::conflict) << "hers has expired";
  EXPECT_EQ(code(store->set_admin_roles(bob, {"auditor", "key-admin"}, {1, 100})), Code());
  EXPECT_EQ(code(store->remove_admin(bob, {1, 100})), Code::conflict) << "not as it was seen";
  EXPECT_EQ(code(store->remove_admin(alice, {1, 100})), Code());
  EXPECT_EQ(code(store->remove_admin(alice, {1, 100})), Code::not_found);
  EXPECT_EQ(*store->find_admin("alice"), std::nullopt);
}

Approval approval_of(std::string who, char id) {
  Approval approval;
  approval.id = std::string(16, id);
  approval.operation = "key-destroy";
  approval.action = "key-state";
  approval.method = "PATCH";
  approval.target = "/v1/keys/a/versions/1";
  approval.body = R"({"state":"destroyed"})";
  approval.digest = approval.fingerprint = std::string(64, 'd');
  approval.requested_by = std::move(who);
  approval.requested_at_us = 10;
  approval.expires_at_us = 100;
  return approval;
}

TEST_F(AdminsTest, ARequestIsDecidedOnce) {
  auto store = create();
  const std::string id(16, '1'), other(16, '2');
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '1'), 100));
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '2'), 100));
  EXPECT_EQ(store->decide_approval("none", ApprovalState::running, "bob", 20).error().code,
            Code::not_found);
  EXPECT_FALSE(store->decide_approval(id, ApprovalState::running, "alice", 20))
      << "the schema keeps the requester from approving";
  EXPECT_EQ(store->decide_approval(id, ApprovalState::running, "bob", 100).error().code,
            Code::conflict)
      << "expired at that moment";
  ASSERT_TRUE(store->decide_approval(id, ApprovalState::running, "bob", 99));
  EXPECT_EQ(store->decide_approval(id, ApprovalState::rejected, "carol", 99).error().code,
            Code::conflict);
  EXPECT_NE((*store->find_approval(id))->body, "");
  ASSERT_TRUE(store->finish_approval(id, 200, "{}"));
  Approval done = **store->find_approval(id);
  EXPECT_EQ(done.state, ApprovalState::done);
  EXPECT_EQ(done.body, "");
  EXPECT_EQ(done.answer, "{}");
  EXPECT_EQ(store->list_approvals(5)->front().id, other) << "what waits comes first";

  ASSERT_TRUE(store->decide_approval(other, ApprovalState::running, "bob", 99));
  store.reset();
  store = reopen();
  EXPECT_EQ(*store->interrupt_approvals(), std::vector<std::string>{other});
  EXPECT_TRUE(store->interrupt_approvals()->empty());
  EXPECT_EQ((*store->find_approval(other))->state, ApprovalState::interrupted);
}

TEST_F(AdminsTest, RequestsExpireAndAreBounded) {
  auto store = create();
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '1'), 10));
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '2'), 10));
  EXPECT_EQ(store->insert_approval(approval_of("alice", '3'), 10).error().code, Code::overloaded)
      << "a fifth of ten is hers";
  ASSERT_TRUE(store->insert_approval(approval_of("bob", '3'), 10));
  ASSERT_TRUE(store->expire_approvals(99));
  EXPECT_EQ((*store->find_approval(std::string(16, '1')))->state, ApprovalState::waiting);
  ASSERT_TRUE(store->expire_approvals(100));
  EXPECT_EQ((*store->find_approval(std::string(16, '1')))->state, ApprovalState::expired);
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '4'), 10));
}

}  // namespace
}  // namespace nae::store::sqlite
