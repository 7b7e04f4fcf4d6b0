#include "libnae/base/repeated_event.hpp"

#include <gtest/gtest.h>

namespace nae {
namespace {

using namespace std::chrono_literals;

TEST(RepeatedEvent, IsSaidAtOnceAndThenOnceInAWhileWithItsCount) {
  RepeatedEvent event;
  const RepeatedEvent::TimePoint start{};
  EXPECT_EQ(event.happens(start), 1u);
  for (int i = 1; i < 1000; ++i) EXPECT_EQ(event.happens(start + i * 9ms), std::nullopt);
  EXPECT_EQ(event.happens(start + RepeatedEvent::kInterval - 1ns), std::nullopt);
  EXPECT_EQ(event.happens(start + RepeatedEvent::kInterval), 1001u);
  EXPECT_EQ(event.happens(start + RepeatedEvent::kInterval + 1s), std::nullopt);
  EXPECT_EQ(event.happens(start + 1h), 2u);
}

}  // namespace
}  // namespace nae
