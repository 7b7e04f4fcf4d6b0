// Administrators and what they request of each other, as the store keeps it.
#include "keyserver/store/engines/test_engine.hpp"

namespace nae::store {
namespace {

class AdminsTest : public EngineTest {};

TEST_P(AdminsTest, AdminsHaveRoles) {
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

TEST_P(AdminsTest, AKeyIsOneAdministrators) {
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

TEST_P(AdminsTest, SomebodyIsLeftToHoldARole) {
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
  approval.digest = std::string(64, id);
  approval.fingerprint = std::string(64, 'd');
  approval.requested_by = std::move(who);
  approval.requested_at_us = 10;
  approval.expires_at_us = 100;
  return approval;
}

Decision decision_of(std::string who, Verdict verdict, std::int64_t at_us, char id) {
  return {std::move(who), verdict, std::string(64, id), at_us};
}
Decision approved_by(std::string who, std::int64_t at_us, char id = '1') {
  return decision_of(std::move(who), Verdict::approved, at_us, id);
}
Decision rejected_by(std::string who, std::int64_t at_us, char id = '1') {
  return decision_of(std::move(who), Verdict::rejected, at_us, id);
}

// Who has approved may be nobody by the time that the next one does.
TEST_P(AdminsTest, OnlyDecisionsThatCountAreCounted) {
  auto store = create();
  const std::string id(16, '1');
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '1'), 100));
  const Needed all_but_bob(2, [](const Decision& decision) { return decision.by != "bob"; });
  EXPECT_EQ(store->decide_approval(id, approved_by("bob", 20), 2), ApprovalState::waiting);
  EXPECT_EQ(store->decide_approval(id, approved_by("carol", 21), all_but_bob),
            ApprovalState::waiting);
  EXPECT_EQ(store->decide_approval(id, approved_by("dave", 22), all_but_bob),
            ApprovalState::running);
  EXPECT_EQ((*store->find_approval(id))->decisions.size(), 3u) << "what was decided stays";
}

TEST_P(AdminsTest, DecisionsAreAList) {
  auto store = create();
  const std::string id(16, '1'), other(16, '2');
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '1'), 100));
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '2'), 100));
  EXPECT_EQ(store->decide_approval(id, approved_by("bob", 20), 3), ApprovalState::waiting);
  EXPECT_EQ(store->decide_approval(id, approved_by("bob", 21), 3).error().code, Code::conflict)
      << "nobody counts twice";
  EXPECT_EQ(store->decide_approval(id, approved_by("carol", 21, '2'), 3).error().code,
            Code::conflict)
      << "of another digest";
  EXPECT_EQ(store->decide_approval(id, approved_by("alice", 21), 3).error().code, Code::conflict);
  EXPECT_EQ(store->decide_approval(id, approved_by("carol", 22), 3), ApprovalState::waiting);
  EXPECT_EQ((*store->find_approval(id))->body, approval_of("alice", '1').body);
  EXPECT_EQ(store->decide_approval(id, approved_by("dave", 23), 3), ApprovalState::running);
  EXPECT_EQ(store->decide_approval(id, approved_by("erin", 24), 3).error().code, Code::conflict);
  ASSERT_TRUE(store->decide_approval(other, approved_by("bob", 20, '2'), 3));
  EXPECT_EQ(store->decide_approval(other, rejected_by("carol", 21, '2'), 3),
            ApprovalState::rejected)
      << "one who rejects ends it";
  store.reset();
  store = reopen();
  EXPECT_EQ((*store->find_approval(id))->decisions,
            (std::vector<Decision>{approved_by("bob", 20), approved_by("carol", 22),
                                   approved_by("dave", 23)}));
  const std::vector<Approval> listed = *store->list_approvals(5);
  EXPECT_EQ(listed.size(), 2u);
  for (const Approval& approval : listed)
    EXPECT_EQ(approval.decisions, (*store->find_approval(approval.id))->decisions);
}

// The file itself refuses what the code would not do.
TEST_P(AdminsTest, ADecisionChangesInNoWay) {
  auto store = create();
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '1'), 100));
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '2'), 100));
  ASSERT_TRUE(store->decide_approval(std::string(16, '1'), rejected_by("bob", 20), 1));
  const std::string digest = std::string(64, '2');
  for (const std::string& change :
       {std::string("UPDATE approval_decisions SET verdict = 1"),
        std::string("DELETE FROM approval_decisions"),
        std::string("UPDATE approvals SET state = 2 WHERE id = '2222222222222222'"),
        "INSERT INTO approval_decisions VALUES ('2222222222222222', 1, 'alice', 1, '" + digest +
            "', 5)",
        "INSERT INTO approval_decisions VALUES ('1111111111111111', 2, 'carol', 1, '" +
            std::string(64, '1') + "', 5)",
        "INSERT INTO approval_decisions VALUES ('2222222222222222', 1, 'carol', 1, '" +
            std::string(64, '1') + "', 5)"})
    EXPECT_NE(refusal(change), "") << change;
}

TEST_P(AdminsTest, TheSameRequestWaitsOnce) {
  auto store = create();
  const std::string first(16, '1');
  auto again = approval_of("alice", '1');
  ASSERT_EQ(store->insert_approval(again, 10), first);
  again.id = std::string(16, '2');
  EXPECT_EQ(store->insert_approval(again, 10), first) << "asked again";
  EXPECT_EQ(store->list_approvals(5)->size(), 1u);
  auto of_bob = again;
  of_bob.id = std::string(16, '3');
  of_bob.requested_by = "bob";
  EXPECT_EQ(store->insert_approval(of_bob, 10), of_bob.id) << "somebody else may approve hers";
  auto renewed = again;
  renewed.id = std::string(16, '4');
  renewed.fingerprint = std::string(64, 'e');
  EXPECT_EQ(store->insert_approval(renewed, 10), renewed.id) << "the old one may have expired";
  ASSERT_TRUE(store->decide_approval(first, rejected_by("bob", 20), 1));
  EXPECT_EQ(store->insert_approval(again, 10), again.id) << "the first one waits no more";
}

TEST_P(AdminsTest, ARequestIsDecidedOnce) {
  auto store = create();
  const std::string id(16, '1'), other(16, '2');
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '1'), 100));
  ASSERT_TRUE(store->insert_approval(approval_of("alice", '2'), 100));
  EXPECT_EQ(store->decide_approval("none", approved_by("bob", 20), 1).error().code,
            Code::not_found);
  EXPECT_FALSE(store->decide_approval(id, approved_by("alice", 20), 1))
      << "the schema keeps the requester from approving";
  EXPECT_EQ(store->decide_approval(id, approved_by("bob", 100), 1).error().code, Code::conflict)
      << "expired at that moment";
  ASSERT_TRUE(store->decide_approval(id, approved_by("bob", 99), 1));
  EXPECT_EQ(store->decide_approval(id, rejected_by("carol", 99), 1).error().code, Code::conflict);
  EXPECT_NE((*store->find_approval(id))->body, "");
  ASSERT_TRUE(store->finish_approval(id, 200, "{}"));
  Approval done = **store->find_approval(id);
  EXPECT_EQ(done.state, ApprovalState::done);
  EXPECT_EQ(done.body, "");
  EXPECT_EQ(done.answer, "{}");
  EXPECT_EQ(store->list_approvals(5)->front().id, other) << "what waits comes first";

  ASSERT_TRUE(store->decide_approval(other, approved_by("bob", 99, '2'), 1));
  store.reset();
  store = reopen();
  EXPECT_EQ(*store->interrupt_approvals(), std::vector<std::string>{other});
  EXPECT_TRUE(store->interrupt_approvals()->empty());
  EXPECT_EQ((*store->find_approval(other))->state, ApprovalState::interrupted);
}

TEST_P(AdminsTest, RequestsExpireAndAreBounded) {
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

NAE_IN_EVERY_ENGINE(AdminsTest);

}  // namespace
}  // namespace nae::store
