#include "keyserver/audit/archive.hpp"

#include "keyserver/audit/head.hpp"
#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

// A log of several closed segments, a second of time for each record.
class ArchiveTest : public LogTest {
 protected:
  ArchiveTest() {
    LogOptions wanted = options();
    wanted.segment_bytes = 2'000;
    auto log = open_log(wanted);
    for (int i = 0; i < 24; ++i) {
      EXPECT_TRUE(log->append(batch_of(1)));
      EXPECT_TRUE(log->sign_head());
    }
    log.reset();
    count_ = segments().size();
  }

  ArchiveMark signed_mark(const ChainPoint& point) const {
    ArchiveMark mark{point, kTestTimeUs, {}};
    mark.signature = *signer_(as_bytes(canonical_bytes(mark)));
    return mark;
  }
  ChainPoint end_of(std::size_t index) const {
    return verify_segment(segment(index), public_key_)->last;
  }
  // Takes the first segments away as a key server does.
  void archive(std::size_t how_many) const {
    const ArchiveMark mark = signed_mark(end_of(how_many - 1));
    ASSERT_TRUE(write_archive_mark(directory_, mark));
    EXPECT_EQ(remove_archived(directory_, mark).value(), how_many);
  }
  std::string faults() const {
    std::string text;
    for (const Finding& finding : verified().findings)
      text += std::string(name(finding.fault)) + " " + std::to_string(finding.seq) + "; ";
    return text;
  }

  std::size_t count_ = 0;
};

TEST_F(ArchiveTest, ALogVerifiesWhenItsOldestSegmentsWereArchived) {
  ASSERT_GE(count_, 5u);
  const ChainPoint end = end_of(1);
  archive(2);
  EXPECT_EQ(segments().size(), count_ - 2);
  const VerifyReport report = verified();
  EXPECT_TRUE(report.intact()) << describe(report);
  EXPECT_EQ(report.archived_seq, end.seq);
  EXPECT_EQ(report.first.seq, end.seq + 1);
  EXPECT_TRUE(verify(directory_)->intact()) << "without a key the chain alone is looked at";
  // And again, and by a server that goes on.
  archive(1);
  EXPECT_TRUE(verified().intact()) << faults();
  auto log = open_log();
  ASSERT_TRUE(log->append(batch_of(1)));
  ASSERT_TRUE(log->sign_head());
  EXPECT_TRUE(verified().intact()) << faults();
}

TEST_F(ArchiveTest, ACrashBeforeAllWasRemovedIsNoFinding) {
  const ArchiveMark mark = signed_mark(end_of(2));
  ASSERT_TRUE(write_archive_mark(directory_, mark));
  EXPECT_TRUE(verified().intact()) << "nothing was removed yet: " << faults();
  std::filesystem::remove(segment(0));
  EXPECT_TRUE(verified().intact()) << faults();
  EXPECT_EQ(remove_archived(directory_, mark).value(), 2u);
  EXPECT_TRUE(verified().intact()) << faults();
}

TEST_F(ArchiveTest, MoreThanTheMarkSaysIsMissing) {
  const ChainPoint end = end_of(1);
  archive(2);
  const ChainPoint cut = end_of(0);
  std::filesystem::remove(segment(0));
  EXPECT_EQ(faults(), "records_missing " + std::to_string(end.seq + 1) + "; ");
  // An older mark that somebody kept says less still.
  ASSERT_TRUE(write_archive_mark(directory_, signed_mark(end)));
  EXPECT_EQ(faults(), "records_missing " + std::to_string(end.seq + 1) + "; ");
  std::filesystem::remove(directory_ / kArchiveFile);
  EXPECT_EQ(faults(), "records_missing 1; ");
  EXPECT_GT(cut.seq, end.seq);
}

TEST_F(ArchiveTest, EveryChangeOfTheMarkIsFound) {
  archive(2);
  const std::filesystem::path file = directory_ / kArchiveFile;
  const std::string original = read(file);
  for (std::size_t at = 0; at + 1 < original.size(); ++at) {
    std::string changed = original;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    write(file, changed);
    ASSERT_FALSE(verified().intact()) << "offset " << at << ": " << changed;
  }
  for (std::size_t size = 0; size + 1 < original.size(); ++size) {
    write(file, original.substr(0, size));
    ASSERT_FALSE(verified().intact()) << "cut at " << size;
  }
}

TEST_F(ArchiveTest, ANewSignatureOfAnotherKeyIsNone) {
  archive(1);
  ArchiveMark forged{end_of(1), kTestTimeUs, {}};
  const auto pair = crypto::generate_p256();
  forged.signature =
      *(*crypto::software_signer(pair->private_key_pem))(as_bytes(canonical_bytes(forged)));
  ASSERT_TRUE(write_archive_mark(directory_, forged));
  ASSERT_TRUE(remove_archived(directory_, forged));
  EXPECT_EQ(faults(),
            "archive_mark_wrong " + std::to_string(forged.point.seq) + "; records_missing 1; ");
}

// A signed head says that a record was there, not that what precedes it may be gone.
TEST_F(ArchiveTest, AHeadsSignatureIsNoMarks) {
  const Head head = **read_head_file(directory_ / segment_head_name(1));
  ASSERT_TRUE(write_archive_mark(directory_, {head.point, head.time_us, head.signature}));
  std::filesystem::remove(segment(0));
  EXPECT_NE(faults().find("archive_mark_wrong"), std::string::npos);
  EXPECT_NE(faults().find("records_missing 1"), std::string::npos);
}

// The same audit key signs for the chain after a loss that was accepted.
TEST_F(ArchiveTest, AMarkOfAnotherChainIsFound) {
  ChainPoint other = end_of(1);
  other.hash[0] ^= 1;
  ASSERT_TRUE(write_archive_mark(directory_, signed_mark(other)));
  EXPECT_EQ(faults(), "archive_mark_wrong " + std::to_string(other.seq) + "; ") << "still there";
  for (int i = 0; i < 2; ++i) std::filesystem::remove(segment(0));
  EXPECT_EQ(faults(), "archive_mark_wrong " + std::to_string(other.seq) + "; ") << "and removed";
  other.seq = 1'000;
  ASSERT_TRUE(write_archive_mark(directory_, signed_mark(other)));
  EXPECT_EQ(faults(), "archive_mark_wrong 1000; ") << "of a longer log";
}

TEST_F(ArchiveTest, OldSegmentsArePrunableButTheNewestTwo) {
  const auto all = prunable(directory_, INT64_MAX, public_key_);
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->segments.size(), count_ - 2);
  EXPECT_EQ(all->end, end_of(count_ - 3));
  EXPECT_EQ(all->records, all->end.seq);
  EXPECT_EQ(prunable(directory_, kTestTimeUs - 1, public_key_).error().code, Code::not_found);
  archive(count_ - 2);
  EXPECT_EQ(prunable(directory_, INT64_MAX, public_key_).error().code, Code::not_found);
}

TEST_F(ArchiveTest, WhatDoesNotVerifyIsEvidenceAndNotPrunable) {
  auto refused = [&] { return prunable(directory_, INT64_MAX, public_key_).error().code; };
  const std::string original = read(segment(1));
  std::string changed = original;
  changed.replace(changed.find("analyst"), 7, "auditor");
  write(segment(1), changed);
  EXPECT_EQ(refused(), Code::audit_broken);
  write(segment(1), original);
  std::filesystem::remove(directory_ / segment_head_name(1));
  EXPECT_EQ(refused(), Code::audit_broken) << "nothing signs its end";
}

TEST_F(ArchiveTest, WhatIsMissingIsNotCalledArchivedLater) {
  auto refused = [&] { return prunable(directory_, INT64_MAX, public_key_).error().code; };
  const std::string second = read(segment(1));
  const std::filesystem::path path = segment(1);
  std::filesystem::remove(path);
  EXPECT_EQ(refused(), Code::audit_broken) << "between";
  write(path, second);
  archive(1);
  std::filesystem::remove(segment(0));
  EXPECT_EQ(refused(), Code::audit_broken) << "behind the mark";
  std::filesystem::remove(directory_ / kArchiveFile);
  EXPECT_EQ(refused(), Code::audit_broken) << "at the beginning";
}

TEST(ArchiveMark, ReadsAgainAsItWasWritten) {
  ArchiveMark mark{{42, {}}, 1'700'000'000'000'000, Bytes{1, 2, 3}};
  mark.point.hash.fill(7);
  const auto again = parse_archive_mark(to_json(mark));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->point, mark.point);
  EXPECT_EQ(again->time_us, mark.time_us);
  EXPECT_EQ(again->signature, mark.signature);
  for (const char* text : {"", "{}", "[]", "null", R"({"format":2,"archived_seq":1})"})
    EXPECT_EQ(parse_archive_mark(text).error().code, Code::audit_broken) << text;
  mark.point.seq = 0;
  EXPECT_FALSE(parse_archive_mark(to_json(mark))) << "record 0 is none";
}

}  // namespace
}  // namespace nae::audit
