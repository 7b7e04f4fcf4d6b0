#include "keyserver/audit/head.hpp"
#include "keyserver/audit/test_log.hpp"
#include "libnae/base/text.hpp"

namespace nae::audit {
namespace {

class LogHeadsTest : public LogTest {
 protected:
  // And closes the log.
  static void append_to(std::unique_ptr<Log> log, const Batch& batch) {
    ASSERT_TRUE(log);
    ASSERT_TRUE(log->append(batch));
  }
  LogOptions keeping() {
    LogOptions wanted = options();
    wanted.head_keeper = &keeper_;
    wanted.now_us = [this] { return now_us_; };
    wanted.public_key_pem = public_key_;
    return wanted;
  }
  Error refusal() {
    auto log = Log::open(keeping());
    return log ? Error(Code::internal, "opened") : log.error();
  }
  MemoryKeeper keeper_;
  std::int64_t now_us_ = kTestTimeUs;
};

TEST_F(LogHeadsTest, ManyRecordsAskForAHeadOnce) {
  int asked = 0;
  LogOptions wanted = options();
  wanted.head_records = 10;
  wanted.head_due = [&] { ++asked; };
  auto log = open_log(wanted);
  ASSERT_TRUE(log->sign_head());
  ASSERT_TRUE(log->append(batch_of(9)));
  EXPECT_EQ(asked, 0);
  ASSERT_TRUE(log->append(batch_of(1)));
  ASSERT_TRUE(log->append(batch_of(50)));
  EXPECT_EQ(asked, 1) << "once for each head";
  ASSERT_TRUE(log->sign_head());
  ASSERT_TRUE(log->append(batch_of(10)));
  EXPECT_EQ(asked, 2);
}

TEST_F(LogHeadsTest, HeadsTellHowFarTheStoreHadCome) {
  LogOptions telling = keeping();
  StorePoint store;
  telling.store_point = [&] { return store; };
  append_to(open_log(telling), batch_of(3));
  const Head without = **read_head(directory_);
  EXPECT_EQ(without.store, StorePoint{}) << "of a store without a ledger";
  EXPECT_EQ(canonical_bytes(without).substr(0, 17), "nae-audit-head/1\n");
  store.epoch = 17;
  store.hash.fill(0xab);
  append_to(open_log(telling), batch_of(3));
  const Head with = **read_head(directory_);
  EXPECT_EQ(with.store, store);
  EXPECT_TRUE(*is_signed_by(with, public_key_));
  EXPECT_EQ(canonical_bytes(with),
            "nae-audit-head/2\n" + std::to_string(with.point.seq) + "\n" + to_hex(with.point.hash) +
                "\n" + std::to_string(with.first_seq) + "\n" + to_hex(with.root) + "\n" +
                std::to_string(with.time_us) + "\n17\n" + to_hex(store.hash) + "\n");
  // Each byte of both, and one format called the other.
  for (const Head& good : {without, with}) {
    const std::string json = to_json(good);
    EXPECT_EQ(canonical_bytes(*parse_head(json)), canonical_bytes(good));
    for (std::size_t at = 0; at + 1 < json.size(); ++at) {
      std::string bent = json;
      bent[at] ^= 1;
      auto read_back = parse_head(bent);
      if (!read_back) continue;
      auto good_still = is_signed_by(*read_back, public_key_);
      EXPECT_TRUE(good_still && !*good_still) << bent;
    }
  }
  Head bent = with;
  bent.store.epoch = 18;
  EXPECT_FALSE(*is_signed_by(bent, public_key_));
  bent.store = {};
  EXPECT_FALSE(*is_signed_by(bent, public_key_)) << "its store cannot be left out";
  bent = without;
  bent.store = store;
  EXPECT_FALSE(*is_signed_by(bent, public_key_)) << "nor put in";
  append_to(open_log(), batch_of(1));
  EXPECT_EQ((**read_head(directory_)).store, StorePoint{}) << "an older server goes on as ever";
  EXPECT_TRUE(verify(directory_)->intact());
}

TEST_F(LogHeadsTest, TheEndOfEachSegmentIsSigned) {
  write_log(20, 1500);
  const auto all = segments();
  ASSERT_GE(all.size(), 4u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto head = read_head_file(directory_ / segment_head_name(all[i].first_seq));
    ASSERT_TRUE(head);
    ASSERT_EQ(head->has_value(), i + 1 < all.size()) << "the newest is still being written";
    if (!*head) continue;
    EXPECT_EQ((*head)->point.seq + 1, all[i + 1].first_seq);
  }
  EXPECT_EQ((*read_head(directory_))->first_seq, all.back().first_seq);
}

// The server died between closing the segment and signing its end.
TEST_F(LogHeadsTest, AnEndThatACrashLeftUnsignedIsSignedAtStart) {
  write_log(20, 1500);
  const auto all = segments();
  const auto last_closed = directory_ / segment_head_name(all[all.size() - 2].first_seq);
  const std::string before = read(last_closed);
  std::filesystem::remove(last_closed);
  append_to(open_log(), batch_of(1));
  EXPECT_TRUE(std::filesystem::exists(last_closed));
  EXPECT_TRUE(verify_segment(all[all.size() - 2].path, public_key_)->intact());

  // Nobody gets a signature for what he has changed.
  std::filesystem::remove(last_closed);
  auto lines = lines_of(all[all.size() - 2].path);
  lines[1].replace(lines[1].find("analyst"), 7, "auditor");
  write_lines(all[all.size() - 2].path, lines);
  EXPECT_EQ(open_failure().code, Code::audit_broken);
  EXPECT_FALSE(std::filesystem::exists(last_closed));
}

TEST_F(LogHeadsTest, HeadsAreOfOneTreeOverRestarts) {
  for (int restart = 0; restart < 4; ++restart) {
    auto log = open_log();
    ASSERT_TRUE(log->append(batch_of(3)));
    ASSERT_TRUE(log->sign_head());
    ASSERT_TRUE(log->append(batch_of(2)));
  }
  auto report = verified();
  EXPECT_TRUE(report.intact()) << describe(report);
  EXPECT_EQ(report.head->first_seq, 1u);
}

TEST_F(LogHeadsTest, TheKeeperIsToldOncePerIntervalAndAtTheEnd) {
  {
    auto log = open_log(keeping());
    ASSERT_TRUE(log->append(batch_of(1)));
    ASSERT_TRUE(log->sign_head());
    EXPECT_EQ(keeper_.times, 1);
    ASSERT_TRUE(log->append(batch_of(1)));
    ASSERT_TRUE(log->sign_head());
    EXPECT_EQ(keeper_.times, 1) << "the same second";
    now_us_ += 1'000'000;
    ASSERT_TRUE(log->sign_head());
    EXPECT_EQ(keeper_.times, 2) << "also when nothing came since";
    ASSERT_TRUE(log->append(batch_of(1)));
    keeper_.broken = true;
    now_us_ += 1'000'000;
    EXPECT_EQ(log->sign_head().error().code, Code::store_unavailable);
    EXPECT_TRUE(log->append(batch_of(1))) << "the log itself is well";
    keeper_.broken = false;
  }
  EXPECT_EQ(keeper_.kept->seq, 5u);
  EXPECT_EQ(keeper_.kept, (*read_head(directory_))->point);
  EXPECT_TRUE(Log::open(keeping()));
}

TEST_F(LogHeadsTest, AnEmptiedDirectoryIsNotTakenUp) {
  append_to(open_log(keeping()), batch_of(5));
  for (const auto& entry : std::filesystem::directory_iterator(directory_))
    std::filesystem::remove(entry.path());
  auto refused = refusal();
  EXPECT_EQ(refused.code, Code::audit_broken);
  EXPECT_NE(refused.message.find("ends at record 0"), std::string::npos) << refused.message;
  EXPECT_NE(refused.hint.find("accept-audit-loss"), std::string::npos);
  EXPECT_TRUE(segments().empty()) << "no new chain began";
}

TEST_F(LogHeadsTest, AnOlderCopyIsNotTakenUp) {
  append_to(open_log(keeping()), batch_of(5));
  auto copy = directory_.string() + "-copy";
  std::filesystem::copy(directory_, copy);
  append_to(open_log(keeping()), batch_of(5));
  std::filesystem::remove_all(directory_);
  std::filesystem::rename(copy, directory_);
  EXPECT_TRUE(verified().intact()) << "in itself it is sound";
  EXPECT_EQ(refusal().code, Code::audit_broken);
}

TEST_F(LogHeadsTest, AnotherChainOfTheSameLengthIsNotTakenUp) {
  append_to(open_log(keeping()), batch_of(5));
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directory(directory_);
  append_to(open_log(), batch_of(9, "another-key"));
  ASSERT_TRUE(verified().intact());
  auto refused = refusal();
  EXPECT_EQ(refused.code, Code::audit_broken);
  EXPECT_NE(refused.message.find("record 6 is not the one"), std::string::npos) << refused.message;
}

TEST_F(LogHeadsTest, AHeadOfAnotherKeyIsNotTakenUp) {
  append_to(open_log(keeping()), batch_of(5));
  auto other = crypto::generate_p256();
  public_key_ = crypto::PublicKey::from_der(other->spki)->pem();
  EXPECT_EQ(refusal().code, Code::audit_broken);
}

TEST_F(LogHeadsTest, AMissingStopShows) {
  Batch stop;
  stop.add(EventRecord{kTestTimeUs, "stopped", ""});
  {
    auto log = open_log();
    EXPECT_FALSE(log->health().interrupted) << "a new log";
    ASSERT_TRUE(log->append(batch_of(1)));
    ASSERT_TRUE(log->append(stop));
  }
  EXPECT_FALSE(open_log()->health().interrupted);
  append_to(open_log(), batch_of(1, R"(,"event":"stopped",)"));
  EXPECT_TRUE(open_log()->health().interrupted) << "no text of an asker passes for a stop";
}

TEST_F(LogHeadsTest, AFailureShowsBeforeARequestFindsIt) {
  auto log = open_log();
  ASSERT_TRUE(log->append(batch_of(1)));
  const auto away = directory_.string() + "-away";
  std::filesystem::rename(directory_, away);
  EXPECT_EQ(log->watch().error().code, Code::audit_unavailable);
  EXPECT_FALSE(log->health().writable);
  EXPECT_FALSE(log->append(batch_of(1)));
  std::filesystem::rename(away, directory_);
  EXPECT_TRUE(log->watch());
  EXPECT_TRUE(log->health().writable);
  EXPECT_TRUE(log->append(batch_of(1)));
  EXPECT_EQ(records("resumed").size(), 1u);
}

TEST_F(LogTest, WhatTheCallerRefusesAtTheStartIsNeitherWrittenNorSigned) {
  write_log(3);
  {
    LogOptions unsigned_options = options();
    unsigned_options.sign = nullptr;
    ASSERT_TRUE(open_log(unsigned_options)->append(batch_of(2)));
  }
  const std::string head = read(directory_ / kHeadFile), torn = read(segment()) + "{\"seq\":";
  write(segment(), torn);
  for (int attempt = 0; attempt < 2; ++attempt) {
    LogOptions wanted = options();
    wanted.check_start = []() -> Result<void> {
      return fail(Code::store_rolled_back, "an older store");
    };
    auto log = Log::open(std::move(wanted));
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Code::store_rolled_back);
    EXPECT_EQ(read(directory_ / kHeadFile), head);
    EXPECT_EQ(read(segment()), torn) << "not even the torn line is cut off";
  }
  auto log = open_log();
  EXPECT_EQ(log->health().head_seq, 4u);
}

}  // namespace
}  // namespace nae::audit
