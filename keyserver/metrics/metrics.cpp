#include "keyserver/metrics/metrics.hpp"

#include <string>

#include "keyserver/audit/record.hpp"
#include "libnae/base/process_numbers.hpp"
#include "libnae/base/version.hpp"

namespace nae::metrics {
namespace {

prometheus::Counter* counter(prometheus::Registry& registry, const char* name, const char* help) {
  return &prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Gauge* gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return &prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

Metrics::Metrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      contexts_opened_(counter(*registry_, "nae_contexts_opened_total",
                               "Contexts of device, program and role that were opened.")),
      audit_refusals_(counter(*registry_, "nae_audit_refusals_total",
                              "Requests refused because the audit log could not be written.")),
      hsm_requests_(counter(*registry_, "nae_hsm_requests_total",
                            "Requests that had to wait for the hardware security module.")),
      limit_refusals_(counter(*registry_, "nae_limit_refusals_total",
                              "Requests refused because a limit of the policy was reached.")),
      connections_(gauge(*registry_, "nae_connections", "Open connections that speak nae/1.")),
      hsm_queue_depth_(gauge(*registry_, "nae_hsm_queue_depth", "Jobs waiting for the HSM.")),
      hsm_healthy_(gauge(*registry_, "nae_hsm_healthy", "1 while the HSM answers, else 0.")),
      ready_(gauge(*registry_, "nae_ready",
                   "1 while HSM, store and audit log let requests be served, else 0.")),
      working_keys_(gauge(*registry_, "nae_working_keys", "Working keys ready for use.")),
      derived_keys_(
          gauge(*registry_, "nae_derived_keys", "Working keys in memory as the HSM derived them.")),
      keys_(gauge(*registry_, "nae_keys", "Keys in the store.")),
      audit_writable_(
          gauge(*registry_, "nae_audit_writable", "1 while the audit log can be written, else 0.")),
      audit_lost_records_(gauge(*registry_, "nae_audit_lost_records",
                                "Requests since the start that were served without a record "
                                "(on_failure = alarm-and-continue).")),
      audit_unsigned_records_(gauge(*registry_, "nae_audit_unsigned_records",
                                    "Audit records newer than the last signed head.")),
      clock_trusted_(gauge(*registry_, "nae_clock_trusted",
                           "1 while the wall clock agrees with the time that has passed, else 0.")),
      clock_difference_seconds_(
          gauge(*registry_, "nae_clock_difference_seconds",
                "How far the wall clock is ahead of the time that has passed; 0: it is trusted.")),
      hsm_waiting_(&prometheus::BuildGauge()
                        .Name("nae_hsm_waiting")
                        .Help("Jobs waiting for the HSM, by device; \"\" is the server itself.")
                        .Register(*registry_)) {
  prometheus::BuildGauge()
      .Name(kBuildInfoName)
      .Help("Always 1; its labels say which version and commit was built.")
      .Register(*registry_)
      .Add({{"version", std::string(version())}, {"commit", std::string(commit())}})
      .Set(1);
  auto& verdicts = prometheus::BuildCounter()
                       .Name("nae_verdict_items_total")
                       .Help("Values by the verdict of policy.")
                       .Register(*registry_);
  for (std::size_t number = 0; number < verdicts_.size(); ++number)
    verdicts_[number] = &verdicts.Add(
        {{"verdict", std::string(policy::name(static_cast<policy::Verdict>(number)))}});
  auto& requests = prometheus::BuildCounter()
                       .Name("nae_requests_total")
                       .Help("Requests by action and outcome.")
                       .Register(*registry_);
  auto& items = prometheus::BuildCounter()
                    .Name("nae_items_total")
                    .Help("Values by action and outcome.")
                    .Register(*registry_);
  auto labelled = [&](std::string_view act) -> PerAction {
    const std::string label(act);
    return {&requests.Add({{"action", label}, {"outcome", "granted"}}),
            &requests.Add({{"action", label}, {"outcome", "refused"}}),
            &items.Add({{"action", label}, {"outcome", "done"}}),
            &items.Add({{"action", label}, {"outcome", "failed"}})};
  };
  for (std::uint8_t number = 1; auto action = action_from_wire(number); ++number)
    actions_[number] = labelled(name(*action));
  search_ = labelled(audit::kSearchAct);
}

std::vector<prometheus::MetricFamily> Metrics::collect() const {
  auto families = registry_->Collect();
  families.push_back(latency_.collect());
  for (const ProcessNumber& number : process_numbers()) {
    prometheus::ClientMetric metric;
    metric.counter.value = metric.gauge.value = number.value;
    families.push_back(
        {std::string(number.name),
         std::string(number.help),
         number.is_counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge,
         {metric}});
  }
  return families;
}

// Devices that wait for nothing any more leave: the family grows with those that wait alone.
void Metrics::set_hsm_waiting(const std::vector<hsm::Waiting>& waiting) {
  std::lock_guard one_at_a_time(setting_);
  for (prometheus::Gauge* gone : waiting_) hsm_waiting_->Remove(gone);
  waiting_.clear();
  for (const hsm::Waiting& party : waiting) {
    auto& gauge = hsm_waiting_->Add({{"device", party.party}});
    gauge.Set(static_cast<double>(party.jobs));
    waiting_.push_back(&gauge);
  }
}

}  // namespace nae::metrics
