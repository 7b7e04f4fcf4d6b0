#include "keyserver/audit/chain_reader.hpp"

#include "keyserver/audit/tail.hpp"
#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

class ChainReaderTest : public LogTest {
 protected:
  ChainReaderTest() { write_log(20, 3000); }

  // The sequence numbers that a reader gets who begins after `from`; -1 at the end: it was refused.
  std::vector<std::int64_t> read_from(const ChainPoint& from) {
    ChainReader reader(directory_, from);
    return read_on(reader);
  }
  std::vector<std::int64_t> read_on(ChainReader& reader) {
    std::vector<std::int64_t> numbers;
    auto heads = reader.heads(public_key_);
    if (!heads) return {-1};
    for (const Head& head : *heads) {
      auto read = reader.read_to(head, [&](std::string_view line, const Hash&) -> Result<void> {
        numbers.push_back(static_cast<std::int64_t>(split_line(line)->seq));
        return {};
      });
      if (read) continue;
      EXPECT_EQ(read.error().code, Code::audit_broken);
      numbers.push_back(-1);
      break;
    }
    return numbers;
  }
  static std::vector<std::int64_t> range(std::int64_t first, std::int64_t last) {
    std::vector<std::int64_t> numbers;
    for (; first <= last; ++first) numbers.push_back(first);
    return numbers;
  }
  ChainPoint point(std::uint64_t seq) const { return {seq, **hash_of_record(directory_, seq)}; }
};

TEST_F(ChainReaderTest, GoesOnFromEveryRecord) {
  ASSERT_GE(segments().size(), 3u);
  const auto last = static_cast<std::int64_t>(records().size());
  EXPECT_EQ(read_from({}), range(1, last));
  for (std::int64_t seq = 1; seq <= last; ++seq)
    EXPECT_EQ(read_from(point(static_cast<std::uint64_t>(seq))), range(seq + 1, last));
}

TEST_F(ChainReaderTest, GoesOnBehindSegmentsThatWereArchived) {
  const std::uint64_t first = segments().at(1).first_seq;
  const ChainPoint end = point(first - 1);
  const ChainPoint earlier = point(first - 2);
  std::filesystem::remove(segment(0));
  EXPECT_EQ(read_from(end).front(), static_cast<std::int64_t>(first));
  EXPECT_EQ(read_from(earlier), std::vector<std::int64_t>{-1}) << "what is not here was not read";
}

TEST_F(ChainReaderTest, FollowsALogThatGrows) {
  ChainReader reader(directory_, {});
  const auto last = static_cast<std::int64_t>(records().size());
  EXPECT_EQ(read_on(reader), range(1, last));
  EXPECT_TRUE(read_on(reader).empty());
  write_log(20, 3000);
  EXPECT_EQ(read_on(reader), range(last + 1, static_cast<std::int64_t>(records().size())));
}

TEST_F(ChainReaderTest, WhatIsNotSignedYetIsLeftForLater) {
  auto log = open_log();
  ChainReader reader(directory_, {});
  read_on(reader);
  ASSERT_TRUE(log->append(batch_of(3)));
  EXPECT_TRUE(read_on(reader).empty());
  ASSERT_TRUE(log->sign_head());
  EXPECT_EQ(read_on(reader).size(), 3u);
}

TEST_F(ChainReaderTest, AChangedLineIsRefused) {
  auto lines = lines_of(segment(1));
  lines[1].replace(lines[1].find("analyst"), 7, "auditor");
  write_lines(segment(1), lines);
  EXPECT_EQ(read_from({}).back(), -1);
}

TEST_F(ChainReaderTest, AChainComputedAnewDoesNotReachItsHead) {
  std::string forged;
  ChainPoint point;
  for (const std::string& line : lines_of(segment(0))) {
    std::string members(split_line(line)->members);
    if (auto at = members.find("analyst"); at != std::string::npos)
      members.replace(at, 7, "auditor");
    append_line(forged, point, members);
  }
  write(segment(0), forged);
  EXPECT_EQ(read_from({}).back(), -1);
}

TEST_F(ChainReaderTest, AnotherPastIsRefused) {
  ChainPoint other = point(5);
  other.hash[0] ^= 1;
  EXPECT_EQ(read_from(other), (std::vector<std::int64_t>{-1}));
}

TEST_F(ChainReaderTest, ALogThatIsBehindIsRefused) {
  ChainPoint newest = point(records().size());
  newest.seq += 10;
  EXPECT_EQ(read_from(newest), (std::vector<std::int64_t>{-1}));
  std::filesystem::remove(directory_ / kHeadFile);
  EXPECT_EQ(read_from(point(5)), (std::vector<std::int64_t>{-1}));
}

TEST_F(ChainReaderTest, HeadsOfAnotherKeyAreRefused) {
  auto other = crypto::generate_p256();
  public_key_ = crypto::PublicKey::from_der(other->spki)->pem();
  EXPECT_EQ(read_from({}), (std::vector<std::int64_t>{-1}));
}

TEST_F(ChainReaderTest, AVisitorsFailureIsAnswered) {
  ChainReader reader(directory_, {});
  auto heads = reader.heads(public_key_);
  auto read = reader.read_to(heads->front(), [](std::string_view, const Hash&) -> Result<void> {
    return fail(Code::server_unavailable, "the database is away");
  });
  EXPECT_EQ(read.error().code, Code::server_unavailable);
}

}  // namespace
}  // namespace nae::audit
