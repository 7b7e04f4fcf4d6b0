// /v1/status and the readiness behind it and /readyz.
#include <algorithm>

#include "keyserver/admin/api/audit_report.hpp"
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/readiness.hpp"
#include "keyserver/admin/route.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::admin {
namespace {

json::object part(bool ok, std::string_view problem) {
  return {{"ok", ok}, {"problem", ok ? std::string_view() : problem}};
}

// As many names as a person reads.
constexpr std::size_t kMostNames = 5;

std::string missing(const std::vector<std::string>& versions) {
  std::string text = std::to_string(versions.size()) + " versions of keys are not on this token: ";
  for (std::size_t i = 0; i < std::min(versions.size(), kMostNames); ++i)
    text += (i > 0 ? ", " : "") + versions[i];
  return versions.size() > kMostNames ? text + ", ..." : text;
}

constexpr std::size_t kMaxCertificateBytes = 64u << 10;

void add_certificate(json::array& into, const char* kind, std::string_view pem) {
  auto info = crypto::read_certificate(pem);
  if (!info) return;
  into.push_back(json::object{
      {"kind", kind},
      {"name", info->common_name},
      {"not_before", api::format_time(info->not_before_s * api::kMicrosecondsPerSecond)},
      {"not_after", api::format_time(info->not_after_s * api::kMicrosecondsPerSecond)}});
}

// Of the server itself and its authority; those of others have lists of their own.
json::array certificates(const AdminParts& parts) {
  json::array found;
  if (!parts.certificates.own.empty())
    if (auto pem = read_file(parts.certificates.own, kMaxCertificateBytes))
      add_certificate(found, "server", *pem);
  add_certificate(found, "authority", parts.certificates.authority_pem);
  return found;
}

}  // namespace

Readiness readiness(AdminParts& parts) {
  hsm::Health hsm = parts.keys.hsm.health();
  Result<void> store = parts.store.check ? parts.store.check() : parts.store.store.check();
  audit::LogHealth audit = parts.audit.log.health();
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
  if (!parts.group) return answer;
  answer.parts["store"].as_object()["lease_seconds_left"] = parts.group->lease_seconds_left();
  // Serves all others all the same.
  const std::vector<std::string>& elsewhere = parts.group->not_on_token();
  answer.parts["token_keys"] = part(elsewhere.empty(), missing(elsewhere));
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
      {"node", parts.settings.node},
      {"started_at", api::format_time(call.started_at_us)},
      {"time", api::format_time(unix_time_us())},
      {"certificates", certificates(parts)},
      {"keys", parts.keys.ring.size()},
      {"policy_version", parts.policy.snapshot()->number},
      {"connections", static_cast<std::int64_t>(parts.metrics.connections().Value())},
      {"audit_seq", parts.audit.log.health().last_seq},
      {"audit_head_seq", parts.audit.log.health().head_seq},
      {"audit_lost_records", parts.audit.log.health().lost_records},
      {"admin", call.admin},
      {"roles", call.roles.text()},
  };
  json::array damaged;
  if (parts.audit.checks)
    for (const auto& segment : parts.audit.checks->damaged())
      damaged.push_back(api::to_json(segment));
  body["audit_damaged_segments"] = std::move(damaged);
  for (auto& member : state.parts) body[member.key()] = std::move(member.value());
  return Reply{std::move(body)};
}

}  // namespace nae::admin
