// The table of the administration interface: which call is what, and who may make it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keyserver/admin/admin_parts.hpp"
#include "keyserver/admin/admin_role.hpp"
#include "keyserver/admin/api/json.hpp"
#include "keyserver/admin/target.hpp"
#include "keyserver/protocols/http/http_message.hpp"

namespace nae::admin {

namespace json = boost::json;

// What became of an approved request.
struct Performed {
  unsigned status = 0;
  std::string body;
};

// One authorized call on its way through its handler.
struct AdminCall {
  AdminParts& parts;
  const http::HttpRequest& request;
  const Target& target;
  std::vector<std::string> names;  // what the path's {} stood for
  std::string admin;
  AdminRoles roles;                // that the admin holds
  std::int64_t now_us = 0;         // Unix time, as TrustedTime has it
  std::int64_t started_at_us = 0;  // of the server
  // For the audit record: what was acted on, and how it went.
  std::string audit_target;
  std::string audit_detail;
  std::string audit_digest = {};  // of what was decided: AdminRecord::digest
  // Of an approved request: what it changes must still be this. Empty: it is none.
  std::string base = {};
  // Does an approved request as the administrator who made it, approved by `admin`.
  std::function<Performed(const store::Approval&)> perform = {};
  std::string fingerprint = {};  // of the certificate that asks

  // The parameter, "" when absent.
  std::string parameter(std::string_view name) const;
  // Code::invalid_argument for a parameter that is not among `known`.
  Result<void> only_parameters(std::initializer_list<std::string_view> known) const;
  Result<json::object> body() const { return api::parse_object(request.body); }
  // See ChangeParts::settle.
  Result<void> settle() const {
    return parts.change.settle ? parts.change.settle() : Result<void>{};
  }
};

struct Reply {
  json::object body;
  unsigned status = 200;
};
using Handler = Result<Reply> (*)(AdminCall&);
// What a call takes beyond a role of its route, such as roles that its body names. Asked of who
// makes the call, and of who approves it.
using Permission = Result<void> (*)(const AdminCall&);

// Of operations that approval.required may name.
inline constexpr std::string_view kAdminChange = "admin-change";
inline constexpr std::string_view kByAction = "{action}";  // called as the route's action

struct Effect {
  bool changes;               // recorded before it begins as well
  std::string_view approval;  // the class of operations; empty: never subject to approval
};

struct Route {
  std::string_view method;
  std::string_view path;    // "/v1/keys/{}/rotate"
  std::string_view action;  // in the audit log
  AdminRoles any_of;        // one of these roles suffices
  Effect effect;
  bool slow;  // reads the whole log: one at a time, or they would take all threads
  Handler handler;
  Permission permission = nullptr;
  // What doing it would change, for who requests and who approves: checks the call, changes
  // nothing.
  Handler preview = nullptr;
  // The answer to a request for what is so already: it changes nothing and waits for nobody.
  // Nothing when it would change something.
  Result<std::optional<Reply>> (*already)(AdminCall&) = nullptr;
  // Asked by a device for itself; `any_of` is empty then, and no administrator may.
  bool of_device = false;
};

std::span<const Route> routes();

struct Match {
  const Route* route = nullptr;    // nullptr: no such path, or not with this method
  std::string allow;               // the methods that the path has; empty: no such path
  std::vector<std::string> names;  // of `route`
};
Match match(std::string_view method, const Target& target);

// The handlers, by file: keys.cpp, key_states.cpp, key_import.cpp, key_export.cpp,
// key_certificates.cpp, policy*.cpp, devices.cpp, device_keys.cpp, device_renewal.cpp, admins.cpp,
// approvals.cpp, card_approvals.cpp, backup_calls.cpp, audit.cpp, audit_comparison.cpp, status.cpp,
// clock.cpp, nodes.cpp.
Result<Reply> list_keys(AdminCall&);
Result<Reply> create_key(AdminCall&);
Result<Reply> show_key(AdminCall&);
Result<Reply> rotate_key(AdminCall&);
Result<std::optional<Reply>> rotated_already(AdminCall&);
Result<Reply> set_key(AdminCall&);
Result<Reply> set_key_state(AdminCall&);
Result<Reply> show_import_key(AdminCall&);
Result<Reply> import_key(AdminCall&);
Result<Reply> export_public_keys(AdminCall&);
Result<Reply> request_certificate(AdminCall&);
Result<Reply> set_certificate(AdminCall&);
Result<Reply> remove_certificate(AdminCall&);
Result<Reply> schedule_key_state(AdminCall&);
Result<Reply> cancel_key_state(AdminCall&);
Result<Reply> show_key_usage(AdminCall&);
Result<Reply> show_policy(AdminCall&);
Result<Reply> apply_policy(AdminCall&);
Result<Reply> preview_policy(AdminCall&);
Result<std::optional<Reply>> policy_already(AdminCall&);
Result<Reply> list_policies(AdminCall&);
Result<Reply> prune_policies(AdminCall&);
Result<Reply> preview_prune_policies(AdminCall&);
Result<Reply> test_policy(AdminCall&);
Result<Reply> diff_policy(AdminCall&);
Result<Reply> list_devices(AdminCall&);
Result<Reply> enroll_device(AdminCall&);
Result<Reply> remove_device(AdminCall&);
Result<Reply> add_device_key(AdminCall&);
Result<Reply> confirm_device_key(AdminCall&);
Result<Reply> renew_own_certificate(AdminCall&);
Result<Reply> list_nodes(AdminCall&);
Result<Reply> fence_node(AdminCall&);
Result<Reply> allow_node(AdminCall&);
Result<Reply> remove_node(AdminCall&);
Result<Reply> list_admins(AdminCall&);
Result<Reply> add_admin(AdminCall&);
Result<Reply> remove_admin(AdminCall&);
Result<Reply> set_admin_roles(AdminCall&);
Result<Reply> renew_admin(AdminCall&);
Result<void> may_add_admin(const AdminCall&);
Result<void> may_remove_admin(const AdminCall&);
Result<void> may_set_admin_roles(const AdminCall&);
Result<void> may_renew_admin(const AdminCall&);
Result<Reply> list_approvals(AdminCall&);
Result<Reply> show_approval(AdminCall&);
Result<Reply> approve(AdminCall&);
Result<Reply> reject(AdminCall&);
Result<Reply> ask_card(AdminCall&);
Result<Reply> take_presence(AdminCall&);
Result<void> may_approve(const AdminCall&);
Result<void> may_reject(const AdminCall&);
Result<void> may_back_up(const AdminCall&);
Result<Reply> make_backup(AdminCall&);
Result<Reply> send_backup_part(AdminCall&);
Result<Reply> forget_backup(AdminCall&);
Result<Reply> query_audit(AdminCall&);
Result<Reply> export_audit(AdminCall&);
Result<Reply> summarize_audit(AdminCall&);
Result<Reply> report_audit(AdminCall&);
Result<Reply> audit_receipt(AdminCall&);
Result<Reply> verify_audit(AdminCall&);
Result<Reply> compare_audit(AdminCall&);
Result<Reply> prune_audit(AdminCall&);
Result<Reply> preview_prune_audit(AdminCall&);
Result<Reply> show_status(AdminCall&);
Result<Reply> accept_clock(AdminCall&);

}  // namespace nae::admin
