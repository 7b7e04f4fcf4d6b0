#include "keyserver/admin/admin_service.hpp"

#include <prometheus/counter.h>

#include <algorithm>

#include "keyserver/admin/api/problem.hpp"
#include "keyserver/admin/approval.hpp"
#include "keyserver/admin/card_decision.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/store/acting.hpp"
#include "libnae/base/clock.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kThreads = 2;  // one long search must not keep a key from being restricted
constexpr std::size_t kHealthThreads = 1, kWaitingThreads = 1;
constexpr std::size_t kWaitingCalls = 64;
constexpr unsigned kAccepted = 202;  // RFC 9110: kept, and not acted upon yet

constexpr char kTooManyWait[] =
    "the change was made and holds here, but too many calls wait already to say whether it is in "
    "force on every key server";

constexpr std::string_view kAllowed = "value", kDenied = "deny", kBegun = "begun",
                           kWaiting = "waiting", kDone = "allowed";

std::string_view path_of(const http::HttpRequest& request) {
  return std::string_view(request.target).substr(0, request.target.find('?'));
}

http::HttpResponse plain(unsigned status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body), ""};
}

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

constexpr char kOfGet[] = "GET, HEAD, OPTIONS";

// The methods of a path's routes, and those that HTTP derives from them.
std::string allowed_by(const std::string& methods) {
  const bool has_get = methods.find("GET") != std::string::npos;
  return methods + (has_get ? ", HEAD, OPTIONS" : ", OPTIONS");
}

// Memory that ran out for one call must not end the server.
template <class Call>
http::HttpResponse or_failed(Call call) {
  try {
    return call();
  } catch (const std::exception& thrown) {
    return http::problem(Error(Code::internal, std::string("the call failed: ") + thrown.what()));
  }
}

// Nothing was done: a client may come again by itself.
http::HttpResponse come_again() {
  http::HttpResponse response =
      http::problem(Error(Code::overloaded, "too many administrative calls are waiting"));
  response.retry_after_s = 1;
  return response;
}

// RFC 9110 section 9.3.7. Browsers get no more: they have no business here.
http::HttpResponse options(const std::string& allow) {
  http::HttpResponse response;
  response.content_type = "text/plain; charset=utf-8";
  response.allow = allow;
  return response;
}

// What a key server that follows answers as the one in charge does, or knows alone.
bool answered_beside(const Route& route) {
  return !route.effect.changes && (route.action == "status" || route.action == "node-list" ||
                                   route.action.starts_with("audit-"));
}

prometheus::Counter& counter(prometheus::Registry& registry, const char* verdict) {
  return prometheus::BuildCounter()
      .Name("nae_admin_requests_total")
      .Help("Administrative calls, by verdict.")
      .Register(registry)
      .Add({{"verdict", verdict}});
}

}  // namespace

// What became of one call, and what its record says.
struct AdminService::Outcome {
  http::HttpResponse response;
  std::string action = "unknown";
  std::string target;
  std::string detail;
  std::string digest;
  std::string reason = std::string(kDone);
  bool changed = false;
  json::object answer;                     // of a success
  std::optional<Error> error;              // of what was refused
  std::function<Result<void>()> in_force;  // see Group; empty: there is nothing to wait for

  static Outcome refused(const Error& why, unsigned http_status = 0) {
    Outcome outcome;
    outcome.refuse(why, http_status);
    return outcome;
  }
  void refuse(const Error& why, unsigned http_status = 0) {
    response = http::problem(why, http_status);
    reason = name(why.code);
    error = why;
  }
  void allow(unsigned status, json::object body) {
    response.status = status;
    response.body = json::serialize(body);
    answer = std::move(body);
  }
  // May block.
  void wait() {
    if (!in_force) return;
    if (auto waited = std::exchange(in_force, nullptr)(); !waited) fall_behind(waited.error());
  }
  // No success, but what was issued is told: nobody could have it again. What was refused may be
  // because it is so already: the call that made it so may have been cut off before this was known.
  void fall_behind(const Error& behind) {
    if (error) {
      if (detail.empty()) detail = error->message;
      detail += "; " + behind.message;
      Error both = *error;
      both.message += "; " + behind.message;
      refuse(both, response.status);
    } else {
      refuse(behind);
      response.body = api::problem_with_answer(behind, response.status, std::move(answer));
      if (detail.empty()) detail = behind.message;  // else the reason says it
    }
  }
};

AdminService::AdminService(AdminParts parts)
    : parts_(std::move(parts)),
      started_at_us_(unix_time_us()),
      granted_(&counter(parts_.metrics.registry(), "granted")),
      refused_(&counter(parts_.metrics.registry(), "refused")),
      limited_(&counter(parts_.metrics.registry(), "limited")),
      waiting_(kWaitingThreads, kWaitingCalls, AdminWorkers::AtEnd::run),
      workers_(kThreads, kWaitingCalls),
      health_(kHealthThreads, kWaitingCalls) {
  parts_.audit.verification = &verification_;
  if (parts_.group) group_metrics_.emplace(parts_.metrics.registry());
}

void AdminService::dispatch(http::HttpRequest request, http::Peer peer, Answer answer) {
  if (path_of(request) == "/healthz") return answer(serve(request, peer));
  const bool of_health = path_of(request) == "/readyz" || path_of(request) == "/metrics";
  auto call = [this, of_health, request = std::move(request), peer = std::move(peer), answer] {
    if (of_health)
      answer(or_failed([&] { return serve(request, peer); }));
    else
      serve_call(request, peer, answer);
  };
  if (!(of_health ? health_ : workers_).submit(std::move(call))) answer(come_again());
}

void AdminService::count_limited(http::Peer peer, bool record_it) {
  limited_->Increment();
  if (!record_it) return;
  workers_.submit([this, peer = std::move(peer)] {
    // Nothing is done that a missing record would hide.
    (void)record(peer, "rate-limit", "", kDenied, name(Code::limit_exceeded),
                 "refused until it asks less often");
  });
}

http::HttpResponse AdminService::serve(const http::HttpRequest& request, const http::Peer& peer) {
  std::string_view path = path_of(request);
  bool health = path == "/healthz", ready_asked = path == "/readyz",
       metrics_asked = path == "/metrics";
  if (!health && !ready_asked && !metrics_asked) return serve_call(request, peer);
  if (request.method == "OPTIONS") return options(kOfGet);
  if (request.method != "GET") {
    http::HttpResponse response =
        http::problem(Error(Code::unsupported, "only GET is possible here"), 405);
    response.allow = kOfGet;
    return response;
  }
  return health ? plain(200, "ok\n") : ready_asked ? ready() : metrics(peer);
}

void AdminService::serve_call(const http::HttpRequest& request, const http::Peer& peer,
                              const Answer& answer) {
  std::shared_ptr<Outcome> outcome;
  http::HttpResponse response = or_failed([&]() -> http::HttpResponse {
    outcome = std::make_shared<Outcome>();
    *outcome = act(request, peer, nullptr);
    return outcome->in_force ? http::HttpResponse() : finish(std::move(*outcome), peer);
  });
  if (!outcome || !outcome->in_force) return answer(std::move(response));
  // Who lacks the memory to wait is one too many, too.
  const auto may_wait = [&] {
    try {
      return waiting_.submit(
          [this, outcome, peer, answer] { acknowledge(*outcome, peer, answer); });
    } catch (const std::exception&) {
      return false;
    }
  };
  if (may_wait()) return;
  outcome->in_force = [] { return fail(Code::timeout, kTooManyWait); };
  acknowledge(*outcome, peer, answer);
}

void AdminService::acknowledge(Outcome& outcome, const http::Peer& peer, const Answer& answer) {
  answer(or_failed([&] {
    outcome.wait();
    return finish(std::move(outcome), peer);
  }));
}

http::HttpResponse AdminService::serve_call(const http::HttpRequest& request,
                                            const http::Peer& peer,
                                            const store::Approval* approved) {
  Outcome outcome = act(request, peer, approved);
  outcome.wait();
  return finish(std::move(outcome), peer);
}

http::HttpResponse AdminService::finish(Outcome outcome, const http::Peer& peer) {
  bool granted = outcome.response.status < 400;
  (granted ? granted_ : refused_)->Increment();
  auto recorded = record(peer, outcome.action, outcome.target, granted ? kAllowed : kDenied,
                         outcome.reason, outcome.detail, outcome.digest);
  if (recorded) return std::move(outcome.response);
  Error error = recorded.error();
  if (granted && outcome.changed)
    error.message = "the change was made, but its outcome could not be recorded: " + error.message;
  return http::problem(error);
}

AdminService::Outcome AdminService::act(const http::HttpRequest& request, const http::Peer& peer,
                                        const store::Approval* approved) {
  auto target = parse_target(request.target);
  if (!target) return Outcome::refused(target.error());
  Match found = match(request.method, *target);
  const bool of_device =
      found.route && found.route->of_device && peer.identity.kind == net::PeerKind::device;
  auto roles = of_device ? Result<AdminRoles>(AdminRoles{}) : roles_of(peer);
  if (!roles) return Outcome::refused(roles.error());

  if (!found.route) return no_route(request, found);
  const Route& route = *found.route;
  Outcome outcome;
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
  const std::optional<std::string> in_charge = other_in_charge();
  if (in_charge && !answered_beside(route)) {
    outcome.refuse(Error(Code::server_unavailable,
                         "this key server follows another one, which answers this",
                         "Ask the one in charge: " + *in_charge));
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

AdminService::Outcome AdminService::no_route(const http::HttpRequest& request, const Match& found) {
  Outcome outcome;
  outcome.target = request.method + " " + std::string(path_of(request));
  if (!found.allow.empty() && request.method == "OPTIONS") {
    outcome.response = options(allowed_by(found.allow));
  } else if (found.allow.empty()) {
    outcome.refuse(Error(Code::not_found, "there is no " + std::string(path_of(request)),
                         "See docs/openapi.yaml for what there is."));
  } else {
    outcome.refuse(Error(Code::unsupported, request.method + " is not possible here",
                         "Possible: " + found.allow),
                   405);
    outcome.response.allow = allowed_by(found.allow);
  }
  return outcome;
}

std::optional<std::string> AdminService::other_in_charge() const {
  return parts_.group ? parts_.group->in_charge() : std::nullopt;
}

// Who only reads knows the ledger as it was a moment ago, and takes a newer row for a hand's.
Result<std::optional<store::Admin>> AdminService::admin_named(std::string_view name) {
  auto admin = parts_.store.store.find_admin(name);
  if (admin || !other_in_charge()) return admin;
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

Result<void> AdminService::record(const http::Peer& peer, std::string_view action,
                                  std::string_view target, std::string_view verdict,
                                  std::string_view reason, std::string_view detail,
                                  std::string_view digest) {
  audit::AdminRecord record;
  record.time_us = unix_time_us();
  // A device that tries is named as one: an administrator may have the same name.
  std::string who = peer.identity.kind == net::PeerKind::admin
                        ? peer.identity.name
                        : std::string(net::name(peer.identity.kind)) + "/" + peer.identity.name;
  record.admin = who;
  record.client_address = peer.address;
  record.action = action;
  record.target = target;
  record.verdict = verdict;
  record.reason = reason;
  record.detail = detail;
  record.digest = digest;
  audit::Batch batch;
  batch.add(record);
  return parts_.audit.log.append(batch);
}

}  // namespace nae::admin
