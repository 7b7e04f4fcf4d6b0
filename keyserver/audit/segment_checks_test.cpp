#include "keyserver/audit/segment_checks.hpp"

#include "keyserver/audit/head.hpp"
#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

constexpr std::int64_t kDayUs = 86'400'000'000;

class SegmentChecksTest : public LogTest {
 protected:
  SegmentChecksTest() { write_log(20, 1500); }
  void change(std::size_t index) const {
    std::string text = read(segment(index));
    text.replace(text.find("analyst"), 7, "auditor");
    write(segment(index), text);
  }
};

TEST_F(SegmentChecksTest, AWholeLogHasNoDamage) {
  SegmentChecks made(directory_, public_key_);
  EXPECT_TRUE(made.check_all(kTestTimeUs)->empty());
  EXPECT_TRUE(made.damaged().empty());
}

TEST_F(SegmentChecksTest, AChangedClosedSegmentIsNamed) {
  change(1);
  SegmentChecks made(directory_, public_key_);
  auto damaged = made.check_all(kTestTimeUs);
  ASSERT_EQ(damaged->size(), 1u);
  EXPECT_EQ(damaged->front().file, segment(1).filename().string());
  EXPECT_NE(damaged->front().problem.find("line_changed"), std::string::npos);
}

TEST_F(SegmentChecksTest, SoIsACutOneAndOneWithAForeignHead) {
  auto lines = lines_of(segment(0));
  lines.pop_back();
  write_lines(segment(0), lines);
  std::filesystem::copy_file(directory_ / segment_head_name(segments()[2].first_seq),
                             directory_ / segment_head_name(segments()[1].first_seq),
                             std::filesystem::copy_options::overwrite_existing);
  SegmentChecks made(directory_, public_key_);
  EXPECT_EQ(made.check_all(kTestTimeUs)->size(), 2u);
}

TEST_F(SegmentChecksTest, AHeadlessOneIsLeftToTheHeadsThatFollow) {
  std::filesystem::remove(directory_ / segment_head_name(segments()[0].first_seq));
  SegmentChecks made(directory_, public_key_);
  EXPECT_TRUE(made.check_all(kTestTimeUs)->empty());
}

TEST_F(SegmentChecksTest, EachHasItsTurnAndAgainAfterADayOrAChange) {
  SegmentChecks made(directory_, public_key_);
  std::size_t turns = 0;
  while (*made.check_next(kTestTimeUs)) ++turns;
  EXPECT_EQ(turns, segments().size() - 1) << "all but the newest";
  EXPECT_FALSE(*made.check_next(kTestTimeUs + kDayUs - 1));
  change(0);
  EXPECT_TRUE(*made.check_next(kTestTimeUs + 1)) << "its file changed";
  EXPECT_EQ(made.damaged().size(), 1u);
  turns = 0;
  while (*made.check_next(kTestTimeUs + kDayUs + 1)) ++turns;
  EXPECT_EQ(turns, segments().size() - 1) << "a day later";
  std::filesystem::remove(segment(0));
  EXPECT_TRUE(made.check_all(kTestTimeUs + kDayUs + 2)->empty()) << "it was archived";
}

}  // namespace
}  // namespace nae::audit
