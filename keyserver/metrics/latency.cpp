#include "keyserver/metrics/latency.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "libnae/base/served.hpp"

namespace nae::metrics {
namespace {

// Threads beyond the shards share, which costs time and no counts.
std::size_t shard_of_thread(std::size_t shards) {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return number % shards;
}

}  // namespace

void Latency::observe(Action action, Clock::duration took) {
  const auto ns =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::nanoseconds(took).count()));
  const std::uint64_t up_us = (ns + 999) / 1000;  // a bound is inclusive
  const auto bucket = std::lower_bound(kBoundsUs.begin(), kBoundsUs.end(), up_us);
  Counts& counts =
      shards_[shard_of_thread(kShards)].actions[static_cast<std::size_t>(action) % kActions];
  counts.buckets[static_cast<std::size_t>(bucket - kBoundsUs.begin())].fetch_add(
      1, std::memory_order_relaxed);
  counts.sum_ns.fetch_add(ns, std::memory_order_relaxed);
}

prometheus::MetricFamily Latency::collect() const {
  prometheus::MetricFamily family{"nae_request_duration_seconds",
                                  "From the read that brought a request to its answer, by action.",
                                  prometheus::MetricType::Histogram,
                                  {}};
  for (std::uint8_t wire = 1; auto action = action_from_wire(wire); ++wire) {
    if (!is_served(*action)) continue;
    prometheus::ClientMetric metric;
    metric.label.push_back({"action", std::string(name(*action))});
    std::uint64_t count = 0, sum_ns = 0;
    for (std::size_t bucket = 0; bucket <= kBoundsUs.size(); ++bucket) {
      for (const Shard& shard : shards_)
        count += shard.actions[wire].buckets[bucket].load(std::memory_order_relaxed);
      const double bound = bucket < kBoundsUs.size() ? static_cast<double>(kBoundsUs[bucket]) / 1e6
                                                     : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({count, bound});
    }
    for (const Shard& shard : shards_)
      sum_ns += shard.actions[wire].sum_ns.load(std::memory_order_relaxed);
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = static_cast<double>(sum_ns) / 1e9;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

}  // namespace nae::metrics
