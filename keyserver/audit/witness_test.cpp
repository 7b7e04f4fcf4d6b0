#include "keyserver/audit/witness.hpp"

#include "keyserver/audit/archive.hpp"
#include "keyserver/audit/record.hpp"
#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

ChainPoint point(std::uint64_t seq, Byte byte = 7) {
  ChainPoint point{seq, {}};
  point.hash.fill(byte);
  return point;
}

TEST(WitnessDetails, AreReadAsTheyWereWritten) {
  const std::vector<Witness> witnesses{{"ks2", point(1234)},
                                       {"ks-3.example", point(INT64_MAX, 255)}};
  const auto details = witness_details(witnesses);
  ASSERT_EQ(details.size(), 1u);
  EXPECT_EQ(details.front().substr(0, 13), "ks2 1234 0707");
  EXPECT_EQ(parse_witnesses(details.front()).value(), witnesses);
  EXPECT_TRUE(witness_details({}).empty());
}

TEST(WitnessDetails, ManyTakeSeveralRecordsAndNoneIsCut) {
  std::vector<Witness> witnesses, read;
  for (std::uint64_t i = 1; i <= 100; ++i)
    witnesses.push_back({std::string(i % 2 ? 128 : 1, 'n'), point(i)});
  const auto details = witness_details(witnesses);
  EXPECT_GT(details.size(), 1u);
  for (const std::string& detail : details) {
    EXPECT_LE(detail.size(), kMaxDetailBytes);
    const auto some = parse_witnesses(detail).value();
    read.insert(read.end(), some.begin(), some.end());
  }
  EXPECT_EQ(read, witnesses);
}

TEST(WitnessDetails, OfAnotherFormAreNone) {
  const std::string hash(64, 'a');
  ASSERT_TRUE(parse_witnesses("ks2 1 " + hash));
  for (const std::string& detail : {std::string(),
                                    std::string("ks2"),
                                    std::string("ks2 1"),
                                    "ks2  " + hash,
                                    " 1 " + hash,
                                    "ks2 0 " + hash,
                                    "ks2 01 " + hash,
                                    "ks2 -1 " + hash,
                                    "ks2 1x " + hash,
                                    "ks2 18446744073709551616 " + hash,
                                    "ks2 9223372036854775808 " + hash,
                                    "ks2 1 " + hash.substr(1),
                                    "ks2 1 " + hash + "a",
                                    "ks2 1 " + std::string(64, 'A'),
                                    "ks2 1 " + std::string(64, 'g'),
                                    "ks2 1 " + hash + "; ",
                                    "; ks2 1 " + hash,
                                    "ks2 1 " + hash + ";ks3 1 " + hash,
                                    "ks/2 1 " + hash,
                                    "ks2 1 " + hash + "\n"}) {
    const auto read = parse_witnesses(detail);
    ASSERT_FALSE(read) << detail;
    EXPECT_EQ(read.error().code, Code::audit_broken);
  }
}

class WitnessTest : public LogTest {
 protected:
  // Of the log as it stands: one point a record.
  std::vector<ChainPoint> points() const {
    std::vector<ChainPoint> points;
    for (const Segment& segment : segments())
      for (const std::string& text : lines_of(segment.path)) {
        const auto line = split_line(text);
        points.push_back({line->seq, line->hash});
      }
    return points;
  }
  Compared compared(std::vector<ChainPoint> with) const {
    return compare(directory_, std::move(with)).value();
  }
};

TEST_F(WitnessTest, ALogHasItsOwnRecords) {
  write_log(40, 2'000);
  ASSERT_GT(segments().size(), 3u);
  auto all = points();
  std::ranges::reverse(all);
  all.insert(all.end(), all.begin(), all.end());  // in any order, and again
  const Compared found = compared(all);
  EXPECT_TRUE(found.absent.empty() && found.others.empty());
  EXPECT_EQ(found.archived, 0u);
}

TEST_F(WitnessTest, ALogThatWasCutBackHasNotWhatOthersSaw) {
  write_log(10);
  const auto before = points();
  auto lines = lines_of(segment());
  lines.resize(5);
  write_lines(segment(), lines);
  EXPECT_EQ(compared({before[4], before[5], before.back()}).absent,
            (std::vector<std::uint64_t>{6, before.back().seq}));
}

TEST_F(WitnessTest, ALogThatWasPutBackAndWentOnHasOthersThere) {
  write_log(10);
  const auto before = points();
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directory(directory_);
  LogOptions wanted = options();
  wanted.now_us = [] { return kTestTimeUs + 1; };
  auto log = open_log(wanted);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(log->append(batch_of(1)));
  const Compared found = compared({before[1], before.back()});
  EXPECT_TRUE(found.absent.empty());
  ASSERT_EQ(found.others.size(), 2u);
  EXPECT_EQ(found.others[1].seq, before.back().seq);
  EXPECT_NE(found.others[1].hash, before.back().hash);
}

TEST_F(WitnessTest, TwoWitnessesOfOneRecordAreBothCompared) {
  write_log(3);
  const ChainPoint right = points()[2];
  EXPECT_EQ(compared({right, point(3)}).others, std::vector<ChainPoint>{right});
  EXPECT_EQ(compared({point(3, 1), point(3, 2)}).others.size(), 2u);
}

TEST_F(WitnessTest, WhatWasTakenAwayOnPurposeIsNotCompared) {
  write_log(40, 2'000);
  const auto before = points();
  const std::uint64_t kept = segments()[2].first_seq;
  ASSERT_TRUE(write_archive_mark(directory_, {before[kept - 2], kTestTimeUs, {}}));
  std::filesystem::remove(segment(0));
  EXPECT_EQ(compared({before[0], before.back()}).archived, 1u);
  EXPECT_EQ(compared({point(kept - 1)}).others.size(), 1u) << "what is still there is";
  std::filesystem::remove(segment(0));
  EXPECT_EQ(compared({before[kept - 2]}).archived, 1u);
  const Compared other = compared({point(kept - 1)});
  EXPECT_EQ(other.archived, 0u);
  EXPECT_EQ(other.others, std::vector<ChainPoint>{before[kept - 2]}) << "the mark tells the last";
  std::filesystem::remove(segment(0));  // past the mark
  EXPECT_EQ(compared({before[kept - 2], before[kept - 1]}).absent,
            std::vector<std::uint64_t>{kept});
}

TEST_F(WitnessTest, AnEmptyDirectoryHasNothing) {
  EXPECT_EQ(compared({point(1)}).absent, std::vector<std::uint64_t>{1});
  EXPECT_TRUE(compared({}).absent.empty());
}

}  // namespace
}  // namespace nae::audit
