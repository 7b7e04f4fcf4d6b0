#include "agent/renewal_time.hpp"

#include <gtest/gtest.h>

namespace nae::agent {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kDay = 86'400;
constexpr CertificateLife kYear{1'000, 1'000 + 360 * kDay};

TEST(RenewalTimeTest, DueAtTwoThirdsAndALittleLater) {
  EXPECT_NEAR(static_cast<double>(renewal_due_s(kYear, 0)), 1'000 + 240.0 * kDay, 1);
  EXPECT_NEAR(static_cast<double>(renewal_due_s(kYear, 1)), 1'000 + 258.0 * kDay, 1);
  EXPECT_EQ(renewal_late_s(kYear), 1'000 + 270 * kDay);
  EXPECT_GT(renewal_late_s(kYear), renewal_due_s(kYear, 1));
}

TEST(RenewalTimeTest, ALifeThatIsNoneIsDueAtOnce) {
  for (const CertificateLife life : {CertificateLife{100, 100}, CertificateLife{100, 50}})
    EXPECT_EQ(renewal_due_s(life, 1), 100);
}

TEST(RenewalTimeTest, RetriesMoreRarelyUpToAnHour) {
  EXPECT_EQ(renewal_retry(1, kDay, 1), seconds(60));
  EXPECT_EQ(renewal_retry(2, kDay, 1), seconds(120));
  EXPECT_EQ(renewal_retry(7, 360 * kDay, 1), seconds(3'600));
  EXPECT_EQ(renewal_retry(4'000'000'000u, 360 * kDay, 1), seconds(3'600));
  EXPECT_EQ(renewal_retry(0, kDay, 1), seconds(60));
}

TEST(RenewalTimeTest, TheEndThatComesMakesItHurry) {
  EXPECT_EQ(renewal_retry(7, 1'200, 1), seconds(60));
  EXPECT_EQ(renewal_retry(7, 20, 1), seconds(5));
  EXPECT_EQ(renewal_retry(7, 0, 1), seconds(3'600)) << "nothing is left to save";
}

TEST(RenewalTimeTest, ChanceTakesUpToHalf) {
  EXPECT_EQ(renewal_retry(1, kDay, 0), seconds(30));
  EXPECT_EQ(renewal_retry(1, kDay, 0.5), seconds(45));
}

}  // namespace
}  // namespace nae::agent
