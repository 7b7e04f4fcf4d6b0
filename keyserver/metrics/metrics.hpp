// What the key server counts, for /metrics. Counters are found once, at start; counting is an
// atomic addition.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <array>
#include <memory>
#include <mutex>
#include <vector>

#include "keyserver/hsm/hsm_queue.hpp"
#include "keyserver/metrics/latency.hpp"
#include "keyserver/policy/verdict.hpp"
#include "libnae/base/action.hpp"

namespace nae::metrics {

inline constexpr char kBuildInfoName[] = "nae_build_info";

class Metrics {
 public:
  Metrics();

  struct PerAction {
    prometheus::Counter* granted = nullptr;
    prometheus::Counter* refused = nullptr;
    prometheus::Counter* items = nullptr;
    prometheus::Counter* failed_items = nullptr;
  };
  const PerAction& of(Action action) const { return actions_[static_cast<std::size_t>(action)]; }
  // Of encrypt where it answers search tokens: they are no action of policy, and nothing is stored.
  const PerAction& of_search() const { return search_; }

  // Values by what policy said of them.
  prometheus::Counter& items_of(policy::Verdict verdict) {
    return *verdicts_[static_cast<std::size_t>(verdict)];
  }

  prometheus::Registry& registry() { return *registry_; }
  Latency& latency() { return latency_; }
  // All of it: the registry's, latency and what the kernel counts for the process.
  std::vector<prometheus::MetricFamily> collect() const;
  prometheus::Counter& contexts_opened() { return *contexts_opened_; }
  prometheus::Counter& audit_refusals() { return *audit_refusals_; }
  prometheus::Counter& hsm_requests() { return *hsm_requests_; }
  prometheus::Counter& limit_refusals() { return *limit_refusals_; }
  prometheus::Gauge& connections() { return *connections_; }
  // Set when /metrics is read.
  prometheus::Gauge& hsm_queue_depth() { return *hsm_queue_depth_; }
  void set_hsm_waiting(const std::vector<hsm::Waiting>& waiting);
  prometheus::Gauge& hsm_healthy() { return *hsm_healthy_; }
  prometheus::Gauge& ready() { return *ready_; }
  prometheus::Gauge& working_keys() { return *working_keys_; }
  prometheus::Gauge& derived_keys() { return *derived_keys_; }
  prometheus::Gauge& keys() { return *keys_; }
  prometheus::Gauge& audit_writable() { return *audit_writable_; }
  prometheus::Gauge& audit_lost_records() { return *audit_lost_records_; }
  prometheus::Gauge& clock_trusted() { return *clock_trusted_; }
  prometheus::Gauge& clock_difference_seconds() { return *clock_difference_seconds_; }
  prometheus::Gauge& audit_unsigned_records() { return *audit_unsigned_records_; }

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  std::array<PerAction, 16> actions_{};
  PerAction search_;
  std::array<prometheus::Counter*, 5> verdicts_{};
  prometheus::Counter* contexts_opened_;
  prometheus::Counter* audit_refusals_;
  prometheus::Counter* hsm_requests_;
  prometheus::Counter* limit_refusals_;
  prometheus::Gauge* connections_;
  prometheus::Gauge* hsm_queue_depth_;
  prometheus::Gauge* hsm_healthy_;
  prometheus::Gauge* ready_;
  prometheus::Gauge* working_keys_;
  prometheus::Gauge* derived_keys_;
  prometheus::Gauge* keys_;
  prometheus::Gauge* audit_writable_;
  prometheus::Gauge* audit_lost_records_;
  prometheus::Gauge* audit_unsigned_records_;
  prometheus::Gauge* clock_trusted_;
  prometheus::Gauge* clock_difference_seconds_;
  prometheus::Family<prometheus::Gauge>* hsm_waiting_;
  Latency latency_;
  std::mutex setting_;
  std::vector<prometheus::Gauge*> waiting_;  // of the last reading
};

}  // namespace nae::metrics
