#include "keyserver/admin/group_metrics.hpp"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace nae::admin {
namespace {

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

GroupMetrics::GroupMetrics(prometheus::Registry& registry)
    : lease_(gauge(
          registry, "nae_lease_seconds_left",
          "How long this key server may answer yet unless its lease of the store is renewed.")),
      whole_(gauge(registry, "nae_store_whole",
                   "1 while the store has every change that this key server has seen there.")),
      synchronous_(
          gauge(registry, "nae_store_synchronous",
                "0 while the store takes no changes because a failover would forget them.")),
      not_on_token_(
          gauge(registry, "nae_versions_not_on_token",
                "Versions of keys that were made on another token and cannot be served here.")) {}

void GroupMetrics::set(const Group& group) {
  lease_.Set(group.lease_seconds_left());
  whole_.Set(group.store_is_whole() ? 1 : 0);
  synchronous_.Set(group.store_is_synchronous() ? 1 : 0);
  not_on_token_.Set(static_cast<double>(group.not_on_token().size()));
}

}  // namespace nae::admin
