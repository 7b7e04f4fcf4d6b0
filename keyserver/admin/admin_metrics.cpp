// What the service tells monitoring: its metrics, and whether it is ready.
#include <prometheus/gauge.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

#include "keyserver/admin/admin_service.hpp"
#include "keyserver/admin/api/json.hpp"
#include "keyserver/admin/readiness.hpp"

namespace nae::admin {

// What was built is no business of whoever holds a database host.
http::HttpResponse AdminService::metrics(const http::Peer& peer) {
  parts_.metrics.ready().Set(readiness(parts_).ready ? 1 : 0);
  if (parts_.group) group_metrics_->set(*parts_.group);
  parts_.metrics.hsm_healthy().Set(parts_.keys.hsm.health().healthy ? 1 : 0);
  parts_.metrics.hsm_queue_depth().Set(static_cast<double>(parts_.keys.hsm.health().depth));
  parts_.metrics.set_hsm_waiting(parts_.keys.hsm.waiting());
  parts_.metrics.working_keys().Set(static_cast<double>(parts_.keys.working.size()));
  parts_.metrics.derived_keys().Set(static_cast<double>(parts_.keys.working.derived_size()));
  parts_.metrics.keys().Set(static_cast<double>(parts_.keys.ring.size()));
  const audit::LogHealth audit = parts_.audit.log.health();
  parts_.metrics.audit_writable().Set(audit.writable ? 1 : 0);
  parts_.metrics.audit_lost_records().Set(static_cast<double>(audit.lost_records));
  parts_.metrics.audit_unsigned_records().Set(static_cast<double>(audit.last_seq - audit.head_seq));
  parts_.metrics.clock_trusted().Set(parts_.clock.trusted() ? 1 : 0);
  parts_.metrics.clock_difference_seconds().Set(static_cast<double>(parts_.clock.difference_us()) /
                                                1e6);
  http::HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  auto families = parts_.metrics.collect();
  if (peer.identity.kind != net::PeerKind::admin && peer.identity.kind != net::PeerKind::monitoring)
    std::erase_if(families,
                  [](const auto& family) { return family.name == metrics::kBuildInfoName; });
  response.body = prometheus::TextSerializer().Serialize(families);
  return response;
}

http::HttpResponse AdminService::ready() {
  Readiness state = readiness(parts_);
  state.parts["ready"] = state.ready;
  http::HttpResponse response;
  response.status = state.ready ? 200 : 503;
  response.body = boost::json::serialize(state.parts);
  return response;
}

}  // namespace nae::admin
