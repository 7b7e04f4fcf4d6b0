#include "keyserver/admin/route.hpp"

#include <algorithm>

namespace nae::admin {
namespace {

constexpr AdminRoles kAnyone{AdminRole::key_admin, AdminRole::policy_admin, AdminRole::auditor,
                             AdminRole::operator_};
constexpr AdminRoles kKeys{AdminRole::key_admin};
constexpr AdminRoles kPolicy{AdminRole::policy_admin};
constexpr AdminRoles kPolicyReaders{AdminRole::policy_admin, AdminRole::auditor};
constexpr AdminRoles kDevices{AdminRole::operator_};
constexpr AdminRoles kDeviceReaders{AdminRole::operator_, AdminRole::auditor};
constexpr AdminRoles kAudit{AdminRole::auditor};
constexpr AdminRoles kNoAdministrator{};

constexpr Effect kReads{false, {}};
constexpr Effect kChanges{true, kByAction};
constexpr Effect kAppoints{true, kAdminChange};
constexpr Effect kForgets{true, "policy-apply"};  // the policy's own history
constexpr Effect kAlone{true, {}};  // decides on requests, or renews one's own certificate

constexpr Route kRoutes[] = {
    // clang-format off
    {"GET",    "/v1/status",             "status",         kAnyone,        kReads,    false, show_status},
    {"POST",   "/v1/clock/accept",       "clock-accept",   kKeys,          kChanges,  false, accept_clock},
    {"GET",    "/v1/keys",               "key-list",       kAnyone,        kReads,    false, list_keys},
    {"POST",   "/v1/keys",               "key-create",     kKeys,          kChanges,  false, create_key},
    {"GET",    "/v1/keys/{}",            "key-show",       kAnyone,        kReads,    false, show_key},
    {"PATCH",  "/v1/keys/{}",            "key-set",        kKeys,          kChanges,  false, set_key},
    {"GET",    "/v1/keys/{}/usage",      "key-usage",      kAnyone,        kReads,    false, show_key_usage},
    {"POST",   "/v1/keys/{}/rotate",     "key-rotate",     kKeys,          kChanges,  false, rotate_key, nullptr, nullptr, rotated_already},
    {"PATCH",  "/v1/keys/{}/versions/{}","key-state",      kKeys,          kChanges,  false, set_key_state},
    {"GET",    "/v1/import-key",         "import-key-show",kKeys,          kChanges,  false, show_import_key},
    {"POST",   "/v1/keys/{}/import",     "key-import",     kKeys,          kChanges,  false, import_key},
    {"GET",    "/v1/keys/{}/public",     "key-export",     kAnyone,        kReads,    false, export_public_keys},
    {"POST",   "/v1/keys/{}/csr",        "key-csr",        kKeys,          kChanges,  false, request_certificate},
    {"PUT",    "/v1/keys/{}/certificate","key-certificate",kKeys,          kChanges,  false, set_certificate},
    {"DELETE", "/v1/keys/{}/versions/{}/certificate", "key-certificate-remove", kKeys, kChanges, false, remove_certificate},
    {"POST",   "/v1/keys/{}/versions/{}/schedule",    "key-schedule", kKeys, kChanges,  false, schedule_key_state},
    {"DELETE", "/v1/keys/{}/versions/{}/schedule/{}", "key-unschedule", kKeys, kChanges,  false, cancel_key_state},
    {"GET",    "/v1/policy",             "policy-show",    kPolicyReaders, kReads,    false, show_policy},
    {"PUT",    "/v1/policy",             "policy-apply",   kPolicy,        kChanges,  false, apply_policy, nullptr, preview_policy, policy_already},
    {"GET",    "/v1/policy/history",     "policy-history", kPolicyReaders, kReads,    false, list_policies},
    {"POST",   "/v1/policy/prune",       "policy-prune",   kPolicy,        kForgets,  false, prune_policies, nullptr, preview_prune_policies},
    {"POST",   "/v1/policy/test",        "policy-test",    kPolicyReaders, kReads,    false, test_policy},
    {"POST",   "/v1/policy/diff",        "policy-diff",    kPolicyReaders, kReads,    false, diff_policy},
    {"GET",    "/v1/devices",            "device-list",    kDeviceReaders, kReads,    false, list_devices},
    {"POST",   "/v1/devices",            "device-enroll",  kDevices,       kChanges,  false, enroll_device},
    {"DELETE", "/v1/devices/{}",         "device-remove",  kDevices,       kChanges,  false, remove_device},
    {"POST",   "/v1/devices/{}/keys",    "device-rekey",   kDevices,       kChanges,  false, add_device_key},
    {"POST",   "/v1/devices/{}/confirm", "device-confirm", kDevices,       kChanges,  false, confirm_device_key},
    {"POST",   "/v1/device/certificate", "device-renew",   kNoAdministrator, kAlone,    false, renew_own_certificate, nullptr, nullptr, nullptr, true},
    {"GET",    "/v1/nodes",              "node-list",      kAnyone,        kReads,    false, list_nodes},
    {"POST",   "/v1/nodes/{}/fence",     "node-fence",     kDevices,       kChanges,  false, fence_node},
    {"POST",   "/v1/nodes/{}/allow",     "node-allow",     kDevices,       kChanges,  false, allow_node},
    {"POST",   "/v1/nodes/{}/remove",    "node-remove",    kDevices,       kChanges,  false, remove_node},
    {"GET",    "/v1/admins",             "admin-list",     kAnyone,        kReads,    false, list_admins},
    {"POST",   "/v1/admins",             "admin-add",      kAnyone,        kAppoints, false, add_admin,        may_add_admin},
    {"DELETE", "/v1/admins/{}",          "admin-remove",   kAnyone,        kAppoints, false, remove_admin,     may_remove_admin},
    {"PUT",    "/v1/admins/{}/roles",    "admin-roles",    kAnyone,        kAppoints, false, set_admin_roles,  may_set_admin_roles},
    {"POST",   "/v1/admins/{}/certificate","admin-renew",  kAnyone,        kAlone,    false, renew_admin,      may_renew_admin},
    {"GET",    "/v1/approvals",          "approval-list",  kAnyone,        kReads,    false, list_approvals},
    {"GET",    "/v1/approvals/{}",       "approval-show",  kAnyone,        kReads,    false, show_approval},
    {"POST",   "/v1/approvals/{}/approve","approve",       kAnyone,        kAlone,    false, approve,          may_approve},
    {"POST",   "/v1/approvals/{}/questions","approval-question",kAnyone,   kReads,    false, ask_card},
    {"POST",   "/v1/approvals/{}/presences","approval-presence",kAnyone,   kAlone,    false, take_presence},
    {"POST",   "/v1/approvals/{}/reject","reject",         kAnyone,        kAlone,    false, reject,           may_reject},
    {"POST",   "/v1/backups",            "backup",         kDevices,       kChanges,  false, make_backup,      may_back_up},
    {"GET",    "/v1/backups/{}/parts/{}","backup-read",    kDevices,       kReads,    false, send_backup_part},
    {"DELETE", "/v1/backups/{}",         "backup-forget",  kDevices,       kAlone,    false, forget_backup},
    {"GET",    "/v1/audit",              "audit-query",    kAudit,         kReads,    true,  query_audit},
    {"GET",    "/v1/audit/export",       "audit-export",   kAudit,         kReads,    true,  export_audit},
    {"GET",    "/v1/audit/summary",      "audit-summary",  kAudit,         kReads,    true,  summarize_audit},
    {"GET",    "/v1/audit/report",       "audit-report",   kAudit,         kReads,    true,  report_audit},
    {"GET",    "/v1/audit/receipts/{}",  "audit-receipt",  kAudit,         kReads,    true,  audit_receipt},
    {"GET",    "/v1/audit/verify",       "audit-verify",   kAudit,         kReads,    true,  verify_audit},
    {"POST",   "/v1/audit/compare",      "audit-compare",  kAudit,         kReads,    true,  compare_audit},
    {"POST",   "/v1/audit/prune",        "audit-prune",    kDevices,       kChanges,  true,  prune_audit, nullptr, preview_prune_audit},
    // clang-format on
};

// What {} stood for, or nothing when the path is another one.
std::optional<std::vector<std::string>> captured(std::string_view pattern, const Target& target) {
  std::vector<std::string> names;
  for (const std::string& segment : target.segments) {
    if (pattern.empty()) return std::nullopt;
    pattern.remove_prefix(1);  // the slash
    std::string_view piece = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(piece.size());
    if (piece == "{}")
      names.push_back(segment);
    else if (piece != segment)
      return std::nullopt;
  }
  if (!pattern.empty()) return std::nullopt;
  return names;
}

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

Match match(std::string_view method, const Target& target) {
  Match found;
  for (const Route& route : kRoutes) {
    auto names = captured(route.path, target);
    if (!names) continue;
    if (!found.allow.empty()) found.allow += ", ";
    found.allow += route.method;
    if (route.method != method) continue;
    found.route = &route;
    found.names = *std::move(names);
    break;
  }
  return found;
}

std::string AdminCall::parameter(std::string_view name) const {
  auto found = target.parameters.find(name);
  return found == target.parameters.end() ? std::string() : found->second;
}

Result<void> AdminCall::only_parameters(std::initializer_list<std::string_view> known) const {
  for (const auto& [name, value] : target.parameters)
    if (std::find(known.begin(), known.end(), name) == known.end())
      return fail(Code::invalid_argument, "unknown parameter \"" + name + "\"");
  return {};
}

}  // namespace nae::admin
