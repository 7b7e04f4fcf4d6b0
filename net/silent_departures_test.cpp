#include "net/silent_departures.hpp"

#include <gtest/gtest.h>

namespace nae::net {
namespace {

using namespace std::chrono_literals;

TEST(SilentDeparturesTest, MakesOneLineAMinute) {
  SilentDepartures departures;
  const SilentDepartures::TimePoint start{};
  int lines = 0;
  std::uint64_t said = 0;
  for (int second = 0; second < 300; ++second) {
    if (auto number = departures.count(start + second * 1s)) {
      ++lines;
      said += *number;
    }
  }
  EXPECT_EQ(lines, 5);
  EXPECT_EQ(said, 1u + 4 * 60);
}

TEST(SilentDeparturesTest, TheFirstIsToldAtOnceAndAfterAPauseToo) {
  SilentDepartures departures;
  const SilentDepartures::TimePoint start{};
  EXPECT_EQ(departures.count(start), 1u);
  EXPECT_EQ(departures.count(start + 59'999ms), std::nullopt);
  EXPECT_EQ(departures.count(start + 60s), 2u);
  EXPECT_EQ(departures.count(start + 1h), 1u);
}

}  // namespace
}  // namespace nae::net
