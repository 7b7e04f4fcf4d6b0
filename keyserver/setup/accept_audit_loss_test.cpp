// What a lost audit log leaves behind, and what is not taken for a loss.
#include "keyserver/setup/accept_audit_loss.hpp"

#include <gmock/gmock.h>

#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/audit/query.hpp"
#include "keyserver/audit/verify.hpp"
#include "keyserver/audit/witness.hpp"
#include "keyserver/setup/reason.hpp"
#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::setup {
namespace {

using ::testing::HasSubstr;

class AcceptAuditLoss : public store::sqlite::StoreTest {
 protected:
  AcceptAuditLoss() : audit_(directory_ / "audit"), store_(create()) {
    std::filesystem::create_directory(audit_);
  }
  // The store has seen a signed head of this record.
  void keep(std::uint64_t seq) {
    audit::ChainPoint point{seq, {}};
    point.hash.fill(7);
    ASSERT_TRUE(store_->keep_head(point));
  }
  Result<AcceptedLoss> accept(const std::string& reason = "disk died") {
    return accept_audit_loss(*store_, audit_, reason);
  }
  std::vector<audit::StoredRecord> records() const {
    return audit::query(audit_, {}).value_or(std::vector<audit::StoredRecord>{});
  }

  // The server signs a head when it starts; all else of the new chain is as it must be.
  void expect_only_unsigned() {
    const audit::VerifyReport report = audit::verify(audit_).value();
    EXPECT_EQ(report.records, 3u);
    for (const audit::Finding& finding : report.findings)
      EXPECT_EQ(finding.fault, audit::Fault::head_missing) << finding.explanation;
  }

  std::filesystem::path audit_;
  std::unique_ptr<store::Store> store_;
};

TEST(CheckReason, TakesWhatARecordHolds) {
  EXPECT_TRUE(check_reason("a"));
  EXPECT_TRUE(check_reason(std::string(kMaxReasonBytes, 'a')));
  for (const std::string& reason : {std::string(), std::string(kMaxReasonBytes + 1, 'a'),
                                    std::string("\xff"), std::string("\xc3")}) {
    auto checked = check_reason(reason);
    ASSERT_FALSE(checked) << reason.size();
    EXPECT_EQ(checked.error().code, Code::invalid_argument);
  }
}

TEST_F(AcceptAuditLoss, AsksForAReason) {
  keep(5);
  EXPECT_EQ(accept("").error().code, Code::invalid_argument);
  EXPECT_TRUE(std::filesystem::is_empty(audit_));
}

TEST_F(AcceptAuditLoss, RefusesWhenNothingIsLost) {
  auto none = accept();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::conflict);
  EXPECT_EQ(records().size(), 0u);
}

TEST_F(AcceptAuditLoss, RefusesBesideAServer) {
  keep(5);
  auto lock = audit::lock_directory(audit_);
  ASSERT_TRUE(lock);
  EXPECT_EQ(accept().error().code, Code::conflict);
  EXPECT_TRUE(store_->kept_head().value().has_value());
}

TEST_F(AcceptAuditLoss, NeedsAStore) {
  EXPECT_TRUE(std::filesystem::is_empty(audit_));
}

TEST_F(AcceptAuditLoss, BeginsAChainThatSaysWhatWasLost) {
  keep(5);
  const auto kept_before = store_->kept_head().value();
  ASSERT_TRUE(kept_before);
  auto accepted = accept();
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_TRUE(accepted->moved_to.empty()) << "nothing was left";
  EXPECT_THAT(accepted->detail, HasSubstr("disk died"));
  EXPECT_THAT(accepted->detail, HasSubstr("signed up to record 5 (0707"));
  const auto found = records();
  ASSERT_EQ(found.size(), 3u);  // the segment's, the loss, the end
  EXPECT_EQ(found[1].event, "loss-accepted");
  EXPECT_EQ(found[1].seq, audit::kLossSeq) << "the one place where a verifier takes it";
  const auto lost = audit::lost_point(found[1].detail);
  ASSERT_TRUE(lost);
  EXPECT_EQ(*lost, *kept_before);
  EXPECT_EQ(found[1].detail, accepted->detail);
  EXPECT_EQ(found[2].event, "stopped");
  expect_only_unsigned();
  EXPECT_FALSE(store_->kept_head().value().has_value());
}

TEST_F(AcceptAuditLoss, KeepsTheRemainsAside) {
  const std::string name = audit::segment_name(1);
  std::ofstream(audit_ / name) << "torn";
  std::ofstream(audit_ / "head.json") << "torn";
  std::ofstream(audit_ / "audit-public.pem") << "key";
  auto accepted = accept();
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_TRUE(std::filesystem::exists(accepted->moved_to / name));
  EXPECT_TRUE(std::filesystem::exists(accepted->moved_to / "head.json"));
  EXPECT_TRUE(std::filesystem::exists(audit_ / "audit-public.pem")) << "is no part of the log";
  EXPECT_THAT(accepted->detail, HasSubstr("faults"));
  expect_only_unsigned();
}

}  // namespace
}  // namespace nae::setup
