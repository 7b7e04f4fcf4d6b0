#include "keyserver/admin/admin_service.hpp"

#include <prometheus/counter.h>

#include "keyserver/admin/target.hpp"
#include "libnae/base/clock.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kThreads = 2;  // one long search must not keep a key from being restricted
constexpr std::size_t kHealthThreads = 1, kWaitingThreads = 1;
constexpr std::size_t kWaitingCalls = 64;

constexpr char kTooManyWait[] =
    "the change was made and holds here, but too many calls wait already to say whether it is in "
    "force on every key server";

http::HttpResponse plain(unsigned status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body), ""};
}

constexpr char kOfGet[] = "GET, HEAD, OPTIONS";

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

prometheus::Counter& counter(prometheus::Registry& registry, const char* verdict) {
  return prometheus::BuildCounter()
      .Name("nae_admin_requests_total")
      .Help("Administrative calls, by verdict.")
      .Register(registry)
      .Add({{"verdict", verdict}});
}

}  // namespace

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
  if (path_of(request.target) == "/healthz") return answer(serve(request, peer));
  const bool of_health =
      path_of(request.target) == "/readyz" || path_of(request.target) == "/metrics";
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
  std::string_view path = path_of(request.target);
  bool health = path == "/healthz", ready_asked = path == "/readyz",
       metrics_asked = path == "/metrics";
  if (!health && !ready_asked && !metrics_asked) return serve_call(request, peer);
  if (request.method == "OPTIONS") return http::allowed_methods(kOfGet);
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
  std::shared_ptr<AdminOutcome> outcome;
  http::HttpResponse response = or_failed([&]() -> http::HttpResponse {
    outcome = std::make_shared<AdminOutcome>();
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

void AdminService::acknowledge(AdminOutcome& outcome, const http::Peer& peer,
                               const Answer& answer) {
  answer(or_failed([&] {
    outcome.wait();
    return finish(std::move(outcome), peer);
  }));
}

http::HttpResponse AdminService::serve_call(const http::HttpRequest& request,
                                            const http::Peer& peer,
                                            const store::Approval* approved) {
  AdminOutcome outcome = act(request, peer, approved);
  outcome.wait();
  return finish(std::move(outcome), peer);
}

http::HttpResponse AdminService::finish(AdminOutcome outcome, const http::Peer& peer) {
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
