// Policy revisions: what of them goes when they are old, and what never does.
#include "keyserver/store/engines/test_engine.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::store {
namespace {

TEST_P(EngineTest, PruningGoesByWhenARevisionWasReplaced) {
  auto store = create();
  for (std::int64_t at : {10, 20, 30})
    ASSERT_TRUE(store->insert({0, "text " + std::to_string(at), "alice", "", at}));
  EXPECT_TRUE(store->prunable_policies(20)->empty()) << "the first was in force until then";
  ASSERT_EQ(store->prunable_policies(21)->size(), 1u);
  EXPECT_EQ(store->prunable_policies(21)->at(0).number, 1u);
  EXPECT_EQ(store->history()->at(0).text, "text 10") << "a question changes nothing";
  EXPECT_EQ(store->prune_policies(INT64_MAX, 99)->size(), 2u) << "never the one in force";
  EXPECT_TRUE(store->prune_policies(INT64_MAX, 100)->empty()) << "once";
  EXPECT_EQ(store->history()->at(0).pruned_at_us, 99);
  EXPECT_EQ(store->insert({0, "fourth", "bob", "", 40}), 4u) << "numbers go on";
}

TEST_P(EngineTest, WhatARequestWasMadeAgainstIsNotPruned) {
  auto store = create();
  for (std::int64_t at : {10, 20, 30}) ASSERT_TRUE(store->insert({0, "text", "alice", "", at}));
  Approval approval;
  approval.id = "0123456789abcdef";
  approval.digest = approval.fingerprint = std::string(64, 'a');
  approval.requested_by = "alice";
  approval.base = "policy:2";
  approval.expires_at_us = 1'000;
  ASSERT_TRUE(store->insert_approval(approval, 10));
  ASSERT_EQ(store->prune_policies(INT64_MAX, 99)->size(), 1u);
  ASSERT_TRUE(
      store->decide_approval(approval.id, {"bob", Verdict::rejected, approval.digest, 50}, 1));
  ASSERT_EQ(store->prune_policies(INT64_MAX, 99)->size(), 1u);
  EXPECT_EQ(store->history()->at(1).pruned_at_us, 99);
}

// The file itself refuses what the code would not do.
TEST_P(EngineTest, APolicyChangesInNoOtherWay) {
  auto store = create();
  for (std::int64_t at : {10, 20, 30}) ASSERT_TRUE(store->insert({0, "text", "alice", "", at}));
  ASSERT_EQ(store->prune_policies(21, 99)->size(), 1u);
  const std::string digest(64, 'b');
  for (const std::string& change :
       {std::string("UPDATE policies SET text = 'forged' WHERE number = 2"),
        std::string("UPDATE policies SET text = '' WHERE number = 2"),
        "UPDATE policies SET text = '', pruned_at_us = 5, text_sha256 = '" + digest +
            "', author = 'mallory' WHERE number = 2",
        "UPDATE policies SET text = '', pruned_at_us = 5, text_sha256 = '" + digest +
            "' WHERE number = 3",
        "UPDATE policies SET text_sha256 = '" + digest + "' WHERE number = 1",
        std::string("UPDATE policies SET text = 'back', pruned_at_us = 0 WHERE number = 1"),
        std::string("DELETE FROM policies WHERE number = 1")})
    EXPECT_NE(refusal(change), "") << change;
}

}  // namespace
}  // namespace nae::store
