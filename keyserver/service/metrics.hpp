// What the key server counts, for /metrics. Counters are found once, at start; counting is an
// atomic addition.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <array>
#include <memory>

#include "libnae/base/action.hpp"

namespace nae::service {

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

  prometheus::Registry& registry() { return *registry_; }
  prometheus::Counter& contexts_opened() { return *contexts_opened_; }
  prometheus::Counter& audit_refusals() { return *audit_refusals_; }
  prometheus::Counter& hsm_requests() { return *hsm_requests_; }
  prometheus::Gauge& connections() { return *connections_; }
  // Set when /metrics is read.
  prometheus::Gauge& hsm_queue_depth() { return *hsm_queue_depth_; }
  prometheus::Gauge& working_keys() { return *working_keys_; }
  prometheus::Gauge& keys() { return *keys_; }

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  std::array<PerAction, 16> actions_{};
  prometheus::Counter* contexts_opened_;
  prometheus::Counter* audit_refusals_;
  prometheus::Counter* hsm_requests_;
  prometheus::Gauge* connections_;
  prometheus::Gauge* hsm_queue_depth_;
  prometheus::Gauge* working_keys_;
  prometheus::Gauge* keys_;
};

}  // namespace nae::service
