// /v1/status and the readiness behind it and /readyz.
#include "keyserver/admin/api/audit_report.hpp"
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/readiness.hpp"
#include "keyserver/admin/route.hpp"

namespace nae::admin {
namespace {

json::object part(bool ok, std::string_view problem) {
  return {{"ok", ok}, {"problem", ok ? std::string_view() : problem}};
}

}  // namespace

Readiness readiness(AdminParts& parts) {
  hsm::Health hsm = parts.hsm.health();
  Result<void> store = parts.store.check();
  audit::LogHealth audit = parts.audit.health();
  Readiness answer;
  answer.ready = hsm.healthy && store.has_value() && audit.writable;
  answer.parts = {
      {"hsm", part(hsm.healthy, hsm.last_error ? std::string_view(hsm.last_error->message)
                                               : std::string_view("it does not answer"))},
      {"store", part(store.has_value(), store ? std::string_view() : store.error().message)},
      {"audit", part(audit.writable, audit.problem)},
      // Serves all the same: what waits is what was planned.
      {"clock", part(parts.clock.trusted(), parts.clock.problem())},
  };
  return answer;
}

Result<Reply> show_status(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  AdminParts& parts = call.parts;
  Readiness state = readiness(parts);
  json::object body{
      {"ready", state.ready},
      {"software", parts.settings.software},
      {"server_id", parts.settings.server_id},
      {"started_at", api::format_time(call.started_at_us)},
      {"keys", parts.ring.size()},
      {"policy_version", parts.policy.snapshot()->number},
      {"connections", static_cast<std::int64_t>(parts.metrics.connections().Value())},
      {"audit_seq", parts.audit.health().last_seq},
      {"audit_head_seq", parts.audit.health().head_seq},
      {"audit_lost_records", parts.audit.health().lost_records},
      {"admin", call.admin},
      {"roles", call.roles.text()},
  };
  json::array damaged;
  if (parts.checks)
    for (const auto& segment : parts.checks->damaged()) damaged.push_back(api::to_json(segment));
  body["audit_damaged_segments"] = std::move(damaged);
  for (auto& member : state.parts) body[member.key()] = std::move(member.value());
  return Reply{std::move(body)};
}

}  // namespace nae::admin
