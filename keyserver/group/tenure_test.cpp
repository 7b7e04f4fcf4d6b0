#include "keyserver/group/tenure.hpp"

#include <gtest/gtest.h>

namespace nae::group {
namespace {

using std::chrono::milliseconds;

TEST(TenureTest, HoldsForATenthLessThanTheLease) {
  Tenure tenure;
  EXPECT_FALSE(tenure.holds());
  const auto sent = BootClock::now();
  tenure.extend(sent, milliseconds(60'000));
  EXPECT_TRUE(tenure.holds());
  EXPECT_LE(tenure.left(), milliseconds(54'000));
  EXPECT_GT(tenure.left(), milliseconds(50'000));
  tenure.extend(sent - milliseconds(60'000), milliseconds(60'000));
  EXPECT_FALSE(tenure.holds()) << "the time counts from before the renewal was sent";
}

TEST(TenureTest, OneThatWasEndedIsNotExtended) {
  Tenure tenure;
  tenure.extend(BootClock::now(), milliseconds(60'000));
  tenure.end();
  EXPECT_FALSE(tenure.holds());
  tenure.extend(BootClock::now(), milliseconds(60'000));
  EXPECT_FALSE(tenure.holds());
}

}  // namespace
}  // namespace nae::group
