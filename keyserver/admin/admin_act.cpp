// One call to administration: authenticated, authorized, recorded before it begins, done.
#include <algorithm>

#include "keyserver/admin/admin_service.hpp"
#include "keyserver/admin/approval.hpp"
#include "keyserver/admin/card_decision.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/store/acting.hpp"

namespace nae::admin {
namespace {

constexpr unsigned kAccepted = 202;  // RFC 9110: kept, and not acted upon yet

// A browser sends JSON to another site only after asking that site, which we never answer: a page
// that an administrator opens cannot make calls with the administrator's certificate.
Result<void> check_body(const http::HttpRequest& request) {
  std::string_view type = request.content_type;
  if (request.body.empty() || type.substr(0, type.find(';')) == "application/json") return {};
  return fail(Code::unsupported, "the body's Content-Type must be application/json");
}

// The one permission for a call that takes long, if it is such a call.
class SlowCall {
 public:
  SlowCall(std::atomic<bool>& runs, bool is_slow) : runs_(runs), is_slow_(is_slow) {
    granted_ = !is_slow_ || !runs_.exchange(true);
  }
  ~SlowCall() {
    if (is_slow_ && granted_) runs_ = false;
  }
  SlowCall(const SlowCall&) = delete;
  SlowCall& operator=(const SlowCall&) = delete;
  bool granted() const { return granted_; }

 private:
  std::atomic<bool>& runs_;
  bool is_slow_;
  bool granted_;
};

std::string approval_text(const store::Approval& approval, const ApprovalRules& rules) {
  return "approved by " + approvers_of(approval, rules) + " as " + approval.id;
}

// The methods of a path's routes, and those that HTTP derives from them.
std::string allowed_by(const std::string& methods) {
  const bool has_get = methods.find("GET") != std::string::npos;
  return methods + (has_get ? ", HEAD, OPTIONS" : ", OPTIONS");
}

// What a key server that follows answers as the one in charge does, or knows alone.
bool answered_beside(const Route& route) {
  return !route.effect.changes && (route.action == "status" || route.action == "node-list" ||
                                   route.action.starts_with("audit-"));
}

}  // namespace

AdminOutcome AdminService::act(const http::HttpRequest& request, const http::Peer& peer,
                               const store::Approval* approved) {
  auto target = parse_target(request.target);
  if (!target) return AdminOutcome::refused(target.error());
  Match found = match(request.method, *target);
  const bool of_device =
      found.route && found.route->of_device && peer.identity.kind == net::PeerKind::device;
  auto roles = of_device ? Result<AdminRoles>(AdminRoles{}) : roles_of(peer);
  if (!roles) return AdminOutcome::refused(roles.error());

  if (!found.route) return no_route(request, found);
  const Route& route = *found.route;
  AdminOutcome outcome;
  outcome.action = route.action;
  outcome.target = found.names.empty() ? std::string() : found.names.front();
  if (!of_device && !roles->intersects(route.any_of)) {
    outcome.refuse(Error(
        Code::admin_role_missing,
        std::string(route.action) + (route.of_device
                                         ? " is a device's to ask"
                                         : " takes one of the roles: " + route.any_of.text())));
    return outcome;
  }
  if (follows() && !answered_beside(route)) {
    outcome.refuse(Error(Code::server_unavailable,
                         "this key server follows another one, which answers this",
                         "Ask the one in charge: " + parts_.group->in_charge()));
    return outcome;
  }
  if (auto checked = check_body(request); !checked) {
    outcome.refuse(checked.error(), 415);
    return outcome;
  }
  AdminCall call{parts_,
                 request,
                 *target,
                 std::move(found.names),
                 peer.identity.name,
                 *roles,
                 parts_.clock.now_us(),
                 started_at_us_,
                 {},
                 {},
                 {},
                 approved ? approved->base : std::string(),
                 [&](const store::Approval& approval) { return perform(approval, peer); },
                 peer.identity.fingerprint_hex};
  if (route.permission) {
    if (auto permitted = route.permission(call); !permitted) {
      outcome.refuse(permitted.error());
      outcome.detail = permitted.error().message;
      return outcome;
    }
  }
  SlowCall slow(slow_call_runs_, route.slow);
  if (!slow.granted()) {
    outcome.refuse(Error(Code::overloaded, "another search or proof of the audit log is running"));
    return outcome;
  }
  if (route.effect.changes) {
    // What was asked, before anything is read of it: also of what is refused or cut off.
    outcome.digest =
        "request:" + (approved ? approved->digest : request_digest(request, std::string()));
    auto begun =
        record(peer, route.action, outcome.target, kAllowed, kBegun,
               approved ? approval_text(*approved, parts_.approval.rules) : "", outcome.digest);
    if (!begun) {
      outcome.refuse(begun.error());
      return outcome;
    }
  }
  const store::Acting acting(of_device ? "device/" + peer.identity.name : peer.identity.name);
  std::string operation = operation_class(route, request.body);
  const bool needs_approval = !approved && parts_.approval.rules.required.contains(operation);
  Result<Reply> reply = fail(Code::internal, "not asked");
  if (auto already = route.already ? route.already(call) : std::nullopt; !already || *already)
    reply = already ? Result<Reply>(*std::move(*already)) : fail(std::move(already).error());
  else if (needs_approval)
    reply = request_approval(call, route, operation, peer.identity.fingerprint_hex);
  else if (auto same = check_base(call, route); !same)
    reply = fail(std::move(same).error());
  else
    reply = route.handler(call);
  if (route.effect.changes && parts_.change.made) parts_.change.made();
  // Also what is so already, and what is refused. What was approved is waited for by the approval.
  const bool kept = reply && reply->status == kAccepted;
  if (route.effect.changes && !of_device && !approved && !kept && parts_.group)
    outcome.in_force = parts_.group->in_force();
  if (!call.audit_target.empty()) outcome.target = std::move(call.audit_target);
  outcome.detail = std::move(call.audit_detail);
  if (!call.audit_digest.empty()) outcome.digest = std::move(call.audit_digest);
  if (!reply) {
    outcome.refuse(reply.error());
    if (outcome.detail.empty()) outcome.detail = reply.error().message;
  } else {
    outcome.changed = route.effect.changes;
    if (kept) outcome.reason = kWaiting;
    outcome.allow(reply->status, std::move(reply->body));
  }
  if (approved)
    outcome.detail = approval_text(*approved, parts_.approval.rules) +
                     (outcome.detail.empty() ? "" : "; ") + outcome.detail;
  return outcome;
}

// As the requester, whose certificate and roles must be good now as well; recorded as any call.
Performed AdminService::perform(const store::Approval& approval, const http::Peer& approver) {
  http::HttpRequest request{approval.method, approval.target, approval.content_type, approval.body};
  http::Peer requester{{net::PeerKind::admin, approval.requested_by, "", approval.fingerprint},
                       approver.address};
  http::HttpResponse response = serve_call(request, requester, &approval);
  return {response.status, std::move(response.body)};
}

AdminOutcome AdminService::no_route(const http::HttpRequest& request, const Match& found) {
  AdminOutcome outcome;
  outcome.target = request.method + " " + std::string(path_of(request.target));
  if (!found.allow.empty() && request.method == "OPTIONS") {
    outcome.response = http::allowed_methods(allowed_by(found.allow));
  } else if (found.allow.empty()) {
    outcome.refuse(Error(Code::not_found, "there is no " + std::string(path_of(request.target)),
                         "See docs/openapi.yaml for what there is."));
  } else {
    outcome.refuse(Error(Code::unsupported, request.method + " is not possible here",
                         "Possible: " + found.allow),
                   405);
    outcome.response.allow = allowed_by(found.allow);
  }
  return outcome;
}

bool AdminService::follows() const {
  return parts_.group && parts_.group->follows();
}

// Who only reads knows the ledger as it was a moment ago, and takes a newer row for a hand's.
Result<std::optional<store::Admin>> AdminService::admin_named(std::string_view name) {
  auto admin = parts_.store.store.find_admin(name);
  if (admin || !follows()) return admin;
  NAE_TRY(parts_.store.store.catch_up());
  return parts_.store.store.find_admin(name);
}

// Asked of the store at every call: who was removed is out at once, and a connection that outlives
// its certificate is of no use.
Result<AdminRoles> AdminService::roles_of(const http::Peer& peer) {
  if (peer.identity.kind != net::PeerKind::admin)
    return fail(Code::admin_role_missing, "the certificate names a " +
                                              std::string(net::name(peer.identity.kind)) +
                                              ", not an administrator");
  NAE_ASSIGN(const std::optional<store::Admin> admin, admin_named(peer.identity.name));
  if (!admin)
    return fail(Code::admin_role_missing,
                "no administrator is called \"" + peer.identity.name + "\"");
  std::int64_t now_us = parts_.clock.now_us();
  bool known = std::any_of(admin->certificates.begin(), admin->certificates.end(),
                           [&](const store::AdminCertificate& certificate) {
                             return certificate.fingerprint == peer.identity.fingerprint_hex &&
                                    certificate.expires_at_us > now_us;
                           });
  if (!known)
    return fail(Code::certificate_rejected,
                "the certificate is none that this server has issued to \"" + peer.identity.name +
                    "\", or it has expired",
                "The name of an administrator belongs to its key; see 'nae admin list'.");
  AdminRoles roles;
  for (const std::string& text : admin->roles)
    if (auto role = admin_role_from_name(text)) roles.insert(*role);
  return roles;
}

}  // namespace nae::admin
