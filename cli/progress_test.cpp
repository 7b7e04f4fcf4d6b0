#include "cli/progress.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace nae::cli {
namespace {

TEST(Progress, TellsWhatIsLeftOfAKnownTotal) {
  EXPECT_EQ(progress_line("records", 12'000, 60'000, 2),
            "12,000 of 60,000 records, 20 %, 8 s left");
  EXPECT_EQ(progress_line("records", 1, 1000, 1.9), "1 of 1,000 records, 0 %");
  EXPECT_EQ(progress_line("records", 0, 1000, 10), "0 of 1,000 records, 0 %");
  EXPECT_EQ(progress_line("records", 1000, 1000, 10), "1,000 of 1,000 records, 100 %, 0 s left");
  EXPECT_EQ(progress_line("records", 1, 91, 10), "1 of 91 records, 1 %, 15 min left");
  EXPECT_EQ(progress_line("records", 10, 12'510, 6), "10 of 12,510 records, 0 %, 2 h 5 min left");
}

TEST(Progress, GuessesNothingWithoutATotalAndOutgrowsOne) {
  EXPECT_EQ(progress_line("records", 1'234'567, 0, 10), "1,234,567 records");
  EXPECT_EQ(progress_line("records", 120, 100, 4), "120 of 120 records, 100 %, 0 s left");
}

TEST(Progress, IsSilentWhereNobodyLooksAndAtFirst) {
  std::ostringstream err;
  {
    Progress unseen(err, "records", 10, false);
    Progress young(err, "records", 10, true);
    for (int i = 0; i < 10; ++i) {
      unseen.at(10);
      young.at(10);
    }
  }
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace nae::cli
