// Other hands on the segment that a server is writing.
#include <unistd.h>

#include <algorithm>

#include "keyserver/audit/head.hpp"
#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

class LogChangeTest : public LogTest {
 protected:
  LogOptions keeping() {
    LogOptions wanted = options();
    wanted.head_keeper = &keeper_;
    wanted.public_key_pem = public_key_;
    wanted.alarm = [this] { ++alarms_; };
    return wanted;
  }
  Error refusal_at_start() {
    auto log = Log::open(keeping());
    return log ? Error(Code::internal, "opened") : log.error();
  }
  void cut_last_line() {
    auto lines = lines_of(segment());
    lines.pop_back();
    write_lines(segment(), lines);
  }
  // Refuses at once, alarms once, leaves the file as it was found and signs nothing more.
  void expect_refused(Log& log, const std::string& why) {
    const std::string found = read(segment()), head = read(directory_ / kHeadFile);
    for (int i = 0; i < 3; ++i) {
      auto refused = log.append(batch_of(1));
      ASSERT_FALSE(refused) << why;
      EXPECT_EQ(refused.error().code, Code::audit_unavailable) << why;
      EXPECT_NE(refused.error().hint.find("accept-audit-loss"), std::string::npos) << why;
    }
    EXPECT_FALSE(log.sign_head()) << why;
    EXPECT_FALSE(log.health().writable) << why;
    EXPECT_NE(log.health().problem, "") << why;
    EXPECT_EQ(alarms_, 1) << why;
    EXPECT_EQ(read(segment()), found) << why << ": evidence is left alone";
    EXPECT_EQ(read(directory_ / kHeadFile), head) << why << ": no head of it";
  }

  MemoryKeeper keeper_;
  int alarms_ = 0;
};

TEST_F(LogChangeTest, ACutIsRefusedAndGoesOnWhenItIsBack) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(5)));
  ASSERT_TRUE(log->sign_head());
  const std::string whole = read(segment());
  cut_last_line();
  expect_refused(*log, "a cut line");
  write(segment(), whole);
  ASSERT_TRUE(log->append(batch_of(1)));
  log = nullptr;
  EXPECT_TRUE(verified().intact()) << describe(verified());
  ASSERT_EQ(records("resumed").size(), 1u);
  EXPECT_NE(records("resumed")[0].detail.find("was changed while in use"), std::string::npos);
}

TEST_F(LogChangeTest, ACopyAndTruncationIsRefused) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(5)));
  ASSERT_TRUE(log->sign_head());
  std::filesystem::copy_file(segment(), directory_ / "audit-000000000001.jsonl.1");
  std::filesystem::resize_file(segment(), 0);
  expect_refused(*log, "copytruncate");
  EXPECT_EQ(std::filesystem::file_size(segment()), 0u);
}

TEST_F(LogChangeTest, AByteLessIsRefused) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(5)));
  ASSERT_TRUE(log->sign_head());
  std::filesystem::resize_file(segment(), std::filesystem::file_size(segment()) - 1);
  expect_refused(*log, "a byte less");
}

TEST_F(LogChangeTest, AnAppendedLineIsRefused) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(5)));
  ASSERT_TRUE(log->sign_head());
  std::ofstream(segment(), std::ios::app) << "rotated\n";
  expect_refused(*log, "a line of somebody else");
}

TEST_F(LogChangeTest, AForgedRecordBehindTheLastIsRefused) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(5)));
  ASSERT_TRUE(log->sign_head());
  const auto lines = lines_of(segment());
  auto last = split_line(lines.back());  // a view of it
  const std::string members(last->members);
  ChainPoint point{last->seq, last->hash};
  std::string line;
  append_line(line, point, members);
  std::ofstream(segment(), std::ios::app) << line;
  expect_refused(*log, "a forged record that continues the chain");
}

TEST_F(LogChangeTest, ARewrittenUnsignedRecordIsRefused) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(2)));
  ASSERT_TRUE(log->sign_head());
  ASSERT_TRUE(log->append(batch_of(1)));
  auto lines = lines_of(segment());
  auto last = split_line(lines.back());
  auto before = split_line(lines[lines.size() - 2]);
  std::string members(last->members), line;
  members.replace(members.find("analyst"), 7, "somebody");
  ChainPoint point{before->seq, before->hash};
  append_line(line, point, members);
  lines.back() = line.substr(0, line.size() - 1);
  write_lines(segment(), lines);
  expect_refused(*log, "another last record with a good hash");
  log = nullptr;
  EXPECT_EQ(refusal_at_start().code, Code::audit_broken) << "and after a restart";
}

TEST_F(LogChangeTest, AnotherFileOfOneContentIsTakenUp) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(5)));
  const auto copy = directory_ / "copy";
  std::filesystem::copy_file(segment(), copy);
  std::filesystem::rename(copy, segment());
  ASSERT_TRUE(log->watch());
  ASSERT_TRUE(log->append(batch_of(1)));
  EXPECT_EQ(alarms_, 1) << "it is said even so";
  log = nullptr;
  EXPECT_EQ(records("request").size(), 6u) << "nothing went to the file that nobody sees";
  EXPECT_TRUE(verified().intact()) << describe(verified());
}

TEST_F(LogChangeTest, WithoutARequestTheTimerFindsIt) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(5)));
  cut_last_line();
  EXPECT_FALSE(log->watch());
  EXPECT_EQ(alarms_, 1);
  EXPECT_FALSE(log->health().writable);
}

TEST_F(LogChangeTest, RecordsCutBehindTheHeadAreMissedAfterARestart) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(2)));
  ASSERT_TRUE(log->sign_head());
  ASSERT_TRUE(log->append(batch_of(3)));
  const std::uint64_t newest = log->health().last_seq;
  cut_last_line();
  EXPECT_FALSE(log->append(batch_of(1)));
  log = nullptr;
  const std::string found = read(segment());
  Error refused = refusal_at_start();
  EXPECT_EQ(refused.code, Code::audit_broken);
  EXPECT_NE(refused.message.find("record " + std::to_string(newest) + " was written"),
            std::string::npos)
      << refused.message;
  EXPECT_NE(refused.hint.find("accept-audit-loss"), std::string::npos) << refused.hint;
  EXPECT_EQ(read(segment()), found);
  EXPECT_LT(read_head(directory_)->value().point.seq, newest) << "no head says that all is well";
}

TEST_F(LogChangeTest, AStoreThatFailedIsToldLater) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(3)));
  const std::uint64_t newest = log->health().last_seq;
  cut_last_line();
  keeper_.broken = true;
  EXPECT_FALSE(log->append(batch_of(1)));
  keeper_.broken = false;
  EXPECT_FALSE(log->watch());
  ASSERT_TRUE(keeper_.kept);
  EXPECT_EQ(keeper_.kept->seq, newest);
}

TEST_F(LogChangeTest, ATornEndIsEvidenceWhileRecordsAreMissing) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(3)));
  std::filesystem::resize_file(segment(), std::filesystem::file_size(segment()) - 20);
  const std::string found = read(segment());
  EXPECT_FALSE(log->append(batch_of(1)));
  log = nullptr;
  EXPECT_EQ(refusal_at_start().code, Code::audit_broken);
  EXPECT_EQ(read(segment()), found);
}

TEST_F(LogChangeTest, AForeignEndWithoutANewlineIsCutOffAndSaidSo) {
  auto log = open_log(keeping());
  ASSERT_TRUE(log->append(batch_of(3)));
  std::ofstream(segment(), std::ios::app) << "junk";
  ASSERT_TRUE(log->watch());
  ASSERT_TRUE(log->append(batch_of(1)));
  EXPECT_EQ(alarms_, 1);
  log = nullptr;
  ASSERT_EQ(records("recovered").size(), 1u);
  EXPECT_NE(records("recovered")[0].detail.find("4 bytes"), std::string::npos);
  EXPECT_TRUE(verified().intact()) << describe(verified());
}

TEST_F(LogChangeTest, AClosedSegmentThatWasCutGetsNoHead) {
  auto wanted = keeping();
  wanted.segment_bytes = 1500;
  auto log = open_log(wanted);
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(log->append(batch_of(1)));
  ASSERT_GE(segments().size(), 2u);
  const Segment closed = segments()[0];
  auto lines = lines_of(closed.path);
  lines.pop_back();
  write_lines(closed.path, lines);
  EXPECT_EQ(log->sign_head().error().code, Code::audit_broken);
  EXPECT_FALSE(std::filesystem::exists(directory_ / segment_head_name(closed.first_seq)));
}

}  // namespace
}  // namespace nae::audit
