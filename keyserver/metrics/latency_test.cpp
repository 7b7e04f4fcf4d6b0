#include "keyserver/metrics/latency.hpp"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <thread>
#include <vector>

#include "libnae/base/served.hpp"

namespace nae::metrics {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

prometheus::ClientMetric of(const Latency& latency, Action action) {
  for (const prometheus::ClientMetric& metric : latency.collect().metric)
    if (metric.label.at(0).value == name(action)) return metric;
  ADD_FAILURE() << name(action) << " is not there";
  return {};
}

// Prometheus counts what is at most the bound: le="0.00005" has 50 us and not 50.001.
TEST(Latency, BoundsAreInclusive) {
  Latency latency;
  latency.observe(Action::encrypt, microseconds(50));
  latency.observe(Action::encrypt, microseconds(50) + nanoseconds(1));
  latency.observe(Action::encrypt, microseconds(5'000'000));
  latency.observe(Action::encrypt, microseconds(5'000'001));
  latency.observe(Action::encrypt, nanoseconds(-1));
  const auto seen = of(latency, Action::encrypt).histogram;
  EXPECT_EQ(seen.bucket.front().cumulative_count, 2u);
  EXPECT_EQ(seen.bucket[1].cumulative_count, 3u);
  EXPECT_EQ(seen.bucket[seen.bucket.size() - 2].cumulative_count, 4u);
  EXPECT_EQ(seen.bucket.back().cumulative_count, 5u);
  EXPECT_TRUE(std::isinf(seen.bucket.back().upper_bound));
  EXPECT_EQ(seen.sample_count, 5u);
  EXPECT_NEAR(seen.sample_sum, 10.000101, 1e-6);
  EXPECT_EQ(of(latency, Action::decrypt).histogram.sample_count, 0u);
}

TEST(Latency, NamesServedActionsAlone) {
  const auto family = Latency().collect();
  for (const auto& metric : family.metric)
    EXPECT_TRUE(is_served(*action_from_name(metric.label.at(0).value)));
  EXPECT_GE(family.metric.size(), 8u);
}

TEST(Latency, LosesNothingOfManyThreads) {
  constexpr int kThreads = 40, kEach = 1000;  // more threads than places
  Latency latency;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) latency.observe(Action::sign, microseconds(n));
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(of(latency, Action::sign).histogram.sample_count, 1u * kThreads * kEach);
}

}  // namespace
}  // namespace nae::metrics
