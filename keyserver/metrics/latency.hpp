// Latency: how long requests took, by action, as a histogram of Prometheus.
#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "libnae/base/action.hpp"

namespace nae::metrics {

// Every thread counts in a place of its own, so that no two of them write one cache line: to
// observe is two additions, tens of nanoseconds.
class Latency {
 public:
  using Clock = std::chrono::steady_clock;

  // From the read that brought the request to its answer, waiting for the HSM included.
  void observe(Action action, Clock::duration took);
  // nae_request_duration_seconds of all threads; of actions that are served.
  prometheus::MetricFamily collect() const;

 private:
  // Upper bounds in microseconds; above the last is +Inf.
  static constexpr std::array<std::uint64_t, 15> kBoundsUs{
      50,     100,    250,     500,     1'000,   2'500,     5'000,    10'000,
      25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 5'000'000};
  static constexpr std::size_t kActions = 16, kShards = 32;

  struct Counts {
    std::array<std::atomic<std::uint64_t>, kBoundsUs.size() + 1> buckets{};
    std::atomic<std::uint64_t> sum_ns{0};
  };
  struct alignas(64) Shard {
    std::array<Counts, kActions> actions{};
  };

  std::array<Shard, kShards> shards_{};
};

}  // namespace nae::metrics
