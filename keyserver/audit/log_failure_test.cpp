// Crashes, full disks and deleted files under a log that is being written.
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "keyserver/audit/head.hpp"
#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

// No file may grow beyond `bytes` while this lives: what a full disk looks like to write(2),
// short writes included.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

// --- a full disk

TEST_F(LogTest, AFullDiskRefusesAndRecoversWithoutRestart) {
  auto log = open_log();
  ASSERT_TRUE(log->append(batch_of(2)));
  const std::string before = read(segment());
  {
    FileSizeLimit full(before.size() + 700);  // the batch fits in part
    for (int i = 0; i < 3; ++i) {
      auto refused = log->append(batch_of(5));
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Code::audit_unavailable);
      EXPECT_EQ(read(segment()), before) << "no part of a refused batch stays";
    }
    EXPECT_FALSE(log->health().writable);
    EXPECT_NE(log->health().problem, "");
    EXPECT_EQ(log->health().refused_records, 15u);
  }
  ASSERT_TRUE(log->append(batch_of(1)));
  EXPECT_TRUE(log->health().writable);
  log = nullptr;
  auto resumed = records("resumed");
  ASSERT_EQ(resumed.size(), 1u);
  EXPECT_NE(resumed[0].detail.find("15 records refused"), std::string::npos) << resumed[0].detail;
  EXPECT_EQ(records("request").size(), 3u);
  EXPECT_TRUE(verified().intact()) << describe(verified());
}

TEST_F(LogTest, AFullDiskAtASegmentsEndRecovers) {
  auto wanted = options();
  wanted.segment_bytes = 1;  // every call begins a segment
  auto log = open_log(wanted);
  ASSERT_TRUE(log->append(batch_of(1)));
  auto count = segments().size();
  {
    FileSizeLimit full(100);
    EXPECT_EQ(log->append(batch_of(1)).error().code, Code::audit_unavailable);
    EXPECT_EQ(segments().size(), count) << "the stillborn segment is removed";
  }
  ASSERT_TRUE(log->append(batch_of(1)));
  log = nullptr;
  EXPECT_TRUE(verified().intact()) << describe(verified());
  EXPECT_EQ(records("request").size(), 2u);
}

TEST_F(LogTest, TheTimerFindsTheLogWellAgain) {
  auto log = open_log();
  {
    FileSizeLimit full(std::filesystem::file_size(segment()));
    EXPECT_FALSE(log->append(batch_of(1)));
    EXPECT_FALSE(log->sign_head());
    EXPECT_FALSE(log->health().writable);
  }
  ASSERT_TRUE(log->sign_head());
  EXPECT_TRUE(log->health().writable) << "without a request that would have to fail first";
  EXPECT_EQ(records("resumed").size(), 1u);
}

TEST_F(LogTest, AlarmAndContinueCountsAndRecordsWhatWasLost) {
  auto wanted = options();
  wanted.on_failure = OnFailure::alarm_and_continue;
  auto log = open_log(wanted);
  {
    FileSizeLimit full(std::filesystem::file_size(segment()));
    EXPECT_TRUE(log->append(batch_of(4)));
    EXPECT_FALSE(log->health().writable);
    EXPECT_EQ(log->health().lost_records, 4u);
    EXPECT_EQ(log->health().refused_records, 0u);
  }
  ASSERT_TRUE(log->append(batch_of(1)));
  log = nullptr;
  auto resumed = records("resumed");
  ASSERT_EQ(resumed.size(), 1u);
  EXPECT_NE(resumed[0].detail.find("4 lost"), std::string::npos) << resumed[0].detail;
  EXPECT_TRUE(verified().intact());
}

TEST_F(LogTest, AFullDiskAtOpenIsRefused) {
  FileSizeLimit full(50);
  EXPECT_EQ(open_failure().code, Code::audit_unavailable);
}

TEST_F(LogTest, ThreadsMeetAFullDiskTogether) {
  auto wanted = options();
  wanted.durability = Durability::fsync;
  std::atomic<std::uint64_t> granted = 0;
  {
    auto log = open_log(wanted);
    FileSizeLimit full(100'000);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i)
          if (log->append(batch_of(3))) granted += 3;
      });
    for (auto& thread : threads) thread.join();
  }
  EXPECT_LT(granted, 1200u);
  EXPECT_EQ(records("request").size(), granted) << "neither an unrecorded grant nor a false one";
  EXPECT_TRUE(verify(directory_)->findings_total <= 1);  // the last head found no room
}

TEST_F(LogTest, TheReserveIsForAdministrators) {
  auto wanted = options();
  wanted.reserve_bytes = 64u << 20;
  DiskSpace disk{64u << 20, std::uint64_t{100} << 30};
  wanted.disk = [&] { return Result<DiskSpace>(disk); };
  int alarms = 0;
  wanted.alarm = [&] { ++alarms; };
  auto log = open_log(wanted);
  ASSERT_TRUE(log->watch());
  ASSERT_TRUE(log->append_requests(batch_of(1))) << "at the reserve exactly";
  --disk.free;
  ASSERT_TRUE(log->watch());
  auto refused = log->append_requests(batch_of(3));
  EXPECT_EQ(refused.error().code, Code::audit_unavailable);
  EXPECT_FALSE(log->health().writable);
  EXPECT_NE(log->health().problem.find("for administrators"), std::string::npos);
  EXPECT_EQ(log->health().refused_records, 3u);
  EXPECT_EQ(alarms, 1);
  Batch admin;
  admin.add(AdminRecord{kTestTimeUs, "alice", "", "device-remove", "db1", "value", "begun", ""});
  EXPECT_TRUE(log->append(admin)) << "who can put an end to it is recorded";
  ++disk.free;
  ASSERT_TRUE(log->watch());
  ASSERT_TRUE(log->append_requests(batch_of(1)));
  log = nullptr;
  EXPECT_EQ(records("admin").size(), 1u);
  EXPECT_EQ(records("disk-reserve").size(), 1u);
  ASSERT_EQ(records("resumed").size(), 1u);
  EXPECT_NE(records("resumed")[0].detail.find("3 requests"), std::string::npos);
  EXPECT_TRUE(verified().intact()) << describe(verified());
}

TEST_F(LogTest, OfASmallDiskASixteenthIsKeptAtMost) {
  auto wanted = options();
  wanted.reserve_bytes = 64u << 20;
  DiskSpace disk{1u << 20, 16u << 20};
  wanted.disk = [&] { return Result<DiskSpace>(disk); };
  auto log = open_log(wanted);
  ASSERT_TRUE(log->watch());
  EXPECT_TRUE(log->append_requests(batch_of(1)));
  --disk.free;
  ASSERT_TRUE(log->watch());
  EXPECT_FALSE(log->append_requests(batch_of(1)));
}

TEST_F(LogTest, TheDiskIsLookedAtWhileRequestsFillIt) {
  auto wanted = options();
  wanted.reserve_bytes = 64u << 20;
  DiskSpace disk{1, std::uint64_t{100} << 30};
  wanted.disk = [&] { return Result<DiskSpace>(disk); };
  auto log = open_log(wanted);
  int passed = 0;
  while (passed < 1000 && log->append_requests(batch_of(100))) ++passed;
  EXPECT_LT(passed, 1000) << "without a timer";
}

// --- crashes

TEST_F(LogTest, ATornLineIsCutOffAndSaidSo) {
  write_log(3);
  std::ofstream(segment(), std::ios::app) << R"({"seq":5,"time":"20)";
  write_log(1);
  auto all = records();
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[4].event, "recovered");
  EXPECT_NE(all[4].detail.find("19 bytes"), std::string::npos) << all[4].detail;
  EXPECT_TRUE(verified().intact()) << describe(verified());
}

TEST_F(LogTest, AHoleOfZerosAtTheEndIsTorn) {
  write_log(3);
  std::filesystem::resize_file(segment(), std::filesystem::file_size(segment()) + 300'000);
  write_log(1);
  EXPECT_EQ(records("recovered").size(), 1u);
  EXPECT_TRUE(verified().intact()) << describe(verified());
}

TEST_F(LogTest, ASegmentThatWasJustBeingMadeIsRemoved) {
  write_log(3);
  for (std::string_view start : {"", R"({"seq":5,"time)"}) {
    auto next = records().back().seq + 1;
    write(directory_ / segment_name(next), start);
    write_log(1);
    EXPECT_EQ(segments().size(), 1u);
    EXPECT_TRUE(verified().intact()) << describe(verified());
  }
}

TEST_F(LogTest, KilledInTheMiddleTheChainContinues) {
  std::uint64_t answered_in_all = 0;
  for (int round = 0; round < 3; ++round) {
    int answers[2];
    ASSERT_EQ(::pipe(answers), 0);
    pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto wanted = options();
      wanted.segment_bytes = 200'000;
      auto log = Log::open(wanted);
      while (log && (*log)->append(batch_of(20)) && ::write(answers[1], "+", 1) == 1) continue;
      ::_exit(1);
    }
    ::close(answers[1]);
    std::uint64_t answered = 0;
    char answer = 0;
    while (answered < 100 && ::read(answers[0], &answer, 1) == 1) ++answered;
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    while (::read(answers[0], &answer, 1) == 1) ++answered;
    ::close(answers[0]);
    ASSERT_GE(answered, 100u);
    answered_in_all += answered;
  }
  auto log = open_log();
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->append(batch_of(1)));
  log = nullptr;
  EXPECT_GE(records("request").size(), answered_in_all * 20 + 1) << "an unrecorded grant";
  EXPECT_TRUE(verified().intact()) << describe(verified());
}

// --- hands on the files

TEST_F(LogTest, ADeletedSegmentIsNoticedAndRefused) {
  auto log = open_log();
  ASSERT_TRUE(log->append(batch_of(3)));
  std::filesystem::remove(segment());
  EXPECT_EQ(log->sign_head().error().code, Code::audit_unavailable);
  EXPECT_FALSE(log->health().writable);
  EXPECT_EQ(log->append(batch_of(1)).error().code, Code::audit_unavailable);
}

TEST_F(LogTest, AMovedSegmentIsNoticedAndTakenUpWhenItIsBack) {
  auto log = open_log();
  ASSERT_TRUE(log->append(batch_of(3)));
  const auto place = segment(), elsewhere = directory_ / "elsewhere";
  std::filesystem::rename(place, elsewhere);
  EXPECT_FALSE(log->sign_head());
  EXPECT_EQ(log->append(batch_of(1)).error().code, Code::audit_unavailable);
  std::filesystem::rename(elsewhere, place);
  EXPECT_TRUE(log->append(batch_of(1)));
  log = nullptr;
  EXPECT_TRUE(verified().intact()) << describe(verified());
  EXPECT_EQ(records("request").size(), 4u);
  EXPECT_EQ(records("resumed").size(), 1u);
}

TEST_F(LogTest, AnotherFileInThePlaceOfTheSegmentIsRefused) {
  auto log = open_log();
  ASSERT_TRUE(log->append(batch_of(3)));
  const std::string shorter = read(segment()).substr(0, 700);
  std::filesystem::remove(segment());
  write(directory_ / segment_name(1), shorter);
  EXPECT_FALSE(log->sign_head());
  EXPECT_EQ(log->append(batch_of(1)).error().code, Code::audit_unavailable);
  EXPECT_FALSE(log->health().writable);
}

TEST_F(LogTest, ALogThatEndsBeforeItsHeadIsNotOpened) {
  write_log(5);
  auto lines = lines_of(segment());
  lines.pop_back();
  write_lines(segment(), lines);
  const std::string evidence = read(segment());
  EXPECT_EQ(open_failure().code, Code::audit_broken);
  std::filesystem::resize_file(segment(), evidence.size() - 5);
  EXPECT_EQ(open_failure().code, Code::audit_broken);
  EXPECT_EQ(read(segment()).size(), evidence.size() - 5) << "evidence is left alone";
  std::filesystem::remove(segment());
  EXPECT_EQ(open_failure().code, Code::audit_broken);
}

TEST_F(LogTest, AChangedRecordInTheLastSegmentIsNotContinued) {
  write_log(5);
  auto lines = lines_of(segment());
  lines[2].replace(lines[2].find("analyst"), 7, "auditor");
  write_lines(segment(), lines);
  auto error = open_failure();
  EXPECT_EQ(error.code, Code::audit_broken);
  EXPECT_NE(error.message.find("audit-000000000001.jsonl line 3"), std::string::npos)
      << error.message;
  EXPECT_NE(error.hint, "");
}

TEST_F(LogTest, ARecomputedLastSegmentIsNotContinued) {
  write_log(5);
  std::string forged;
  ChainPoint point;
  for (const std::string& line : lines_of(segment())) {
    std::string members(split_line(line)->members);
    if (auto at = members.find("analyst"); at != std::string::npos)
      members.replace(at, 7, "auditor");
    append_line(forged, point, members);
  }
  write(segment(), forged);
  EXPECT_EQ(open_failure().code, Code::audit_broken);
}

TEST_F(LogTest, AMalformedHeadIsNotOpened) {
  write_log(1);
  write(directory_ / kHeadFile, "{");
  EXPECT_EQ(open_failure().code, Code::audit_broken);
}

}  // namespace
}  // namespace nae::audit
