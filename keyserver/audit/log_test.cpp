#include "keyserver/audit/log.hpp"

#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "keyserver/audit/head.hpp"
#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

TEST_F(LogTest, RecordsComeBackInOrderAndVerify) {
  {
    auto log = open_log();
    ASSERT_TRUE(log->append(batch_of(3)));
    Batch batch;
    batch.add(AdminRecord{5, "alice", "::1", "policy-apply", "2", "value", "allowed", "why"});
    batch.add(EventRecord{6, "stopped", ""});
    ASSERT_TRUE(log->append(batch));
    EXPECT_EQ(log->health().last_seq, 6u);
    EXPECT_EQ(log->health().head_seq, 1u) << "of its first record, at once";
    ASSERT_TRUE(log->sign_head());
    EXPECT_EQ(log->health().head_seq, 6u);
  }
  auto all = records();
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[0].event, "segment");
  EXPECT_EQ(all[1].action, "decrypt");
  EXPECT_EQ(all[4].admin, "alice");
  EXPECT_EQ(all[5].event, "stopped");
  auto report = verified();
  EXPECT_TRUE(report.intact()) << describe(report);
  EXPECT_TRUE(report.signature_checked);
  EXPECT_EQ(report.records, 6u);
  EXPECT_EQ(report.unsigned_records, 0u);
}

TEST_F(LogTest, AnEmptyBatchWritesNothing) {
  auto log = open_log();
  ASSERT_TRUE(log->append({}));
  EXPECT_EQ(log->health().last_seq, 1u);
}

TEST_F(LogTest, TheChainContinuesOverRestartsAndSegments) {
  for (int restart = 0; restart < 3; ++restart) write_log(10, 2000);
  EXPECT_GT(segments().size(), 5u);
  auto report = verified();
  EXPECT_TRUE(report.intact()) << describe(report);
  EXPECT_EQ(records("request").size(), 30u);
  EXPECT_EQ(report.last.seq, report.records);
  EXPECT_EQ(report.segments, segments().size());
}

TEST_F(LogTest, OnlyTheOwnerMayReadIt) {
  write_log(1);
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    struct stat info {};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
  }
}

TEST_F(LogTest, ASecondWriterIsRefused) {
  auto log = open_log();
  EXPECT_EQ(open_failure().code, Code::conflict);
  log = nullptr;
  EXPECT_TRUE(open_log());
}

TEST_F(LogTest, AMissingDirectoryIsRefused) {
  auto wanted = options();
  wanted.directory = directory_ / "missing";
  auto log = Log::open(wanted);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Code::audit_unavailable);
}

TEST_F(LogTest, HeadsAreSignedOnceAndAgainAtClose) {
  int signatures = 0;
  auto wanted = options();
  wanted.sign = [&](ByteView message) {
    ++signatures;
    return signer_(message);
  };
  auto log = open_log(wanted);
  EXPECT_EQ(signatures, 1) << "no log with records is without a head";
  ASSERT_TRUE(log->append(batch_of(1)));
  ASSERT_TRUE(log->sign_head());
  ASSERT_TRUE(log->sign_head());
  EXPECT_EQ(signatures, 2) << "nothing new to sign";
  ASSERT_TRUE(log->append(batch_of(1)));
  log = nullptr;
  EXPECT_EQ(signatures, 3);
  EXPECT_EQ((*read_head(directory_))->point.seq, 3u);
}

TEST_F(LogTest, AFailingSignerLeavesTheOldHeadAndTheLogWritable) {
  auto wanted = options();
  bool broken = false;
  wanted.sign = [&](ByteView message) -> Result<Bytes> {
    if (broken) return fail(Code::hsm_unavailable, "the token is gone");
    return signer_(message);
  };
  auto log = open_log(wanted);
  ASSERT_TRUE(log->sign_head());
  broken = true;
  ASSERT_TRUE(log->append(batch_of(1)));
  EXPECT_EQ(log->sign_head().error().code, Code::hsm_unavailable);
  EXPECT_TRUE(log->append(batch_of(1)));
  EXPECT_TRUE(log->health().writable);
  EXPECT_EQ(log->health().head_seq, 1u);
  auto report = verified();
  EXPECT_TRUE(report.intact()) << describe(report);
  EXPECT_EQ(report.unsigned_records, 2u);
  broken = false;
  EXPECT_TRUE(log->sign_head());
  EXPECT_EQ(verified().unsigned_records, 0u);
}

class LogThreads : public LogTest, public ::testing::WithParamInterface<Durability> {};

TEST_P(LogThreads, ShareTheChain) {
  auto wanted = options();
  wanted.durability = GetParam();
  wanted.segment_bytes = 50'000;
  constexpr int kThreads = 8, kBatches = 40, kRecords = 5;
  {
    auto log = open_log(wanted);
    std::atomic<bool> done = false;
    std::thread signing([&] {
      while (!done) EXPECT_TRUE(log->sign_head());
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        Batch batch = batch_of(kRecords, "key-" + std::to_string(t));
        for (int i = 0; i < kBatches; ++i) EXPECT_TRUE(log->append(batch));
      });
    for (auto& thread : threads) thread.join();
    done = true;
    signing.join();
  }
  auto report = verified();
  EXPECT_TRUE(report.intact()) << describe(report);
  auto found = records("request");
  ASSERT_EQ(found.size(), static_cast<std::size_t>(kThreads * kBatches * kRecords));
  // The records of one call stand together.
  for (std::size_t i = 0; i < found.size(); i += kRecords)
    for (std::size_t j = 1; j < kRecords; ++j) ASSERT_EQ(found[i].key, found[i + j].key);
}

INSTANTIATE_TEST_SUITE_P(Durabilities, LogThreads,
                         ::testing::Values(Durability::write, Durability::fsync));

}  // namespace
}  // namespace nae::audit
