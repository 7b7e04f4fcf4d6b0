// AdminService: authenticate, authorize, act, audit, answer. Every call to /v1 is one record,
// refused ones too, and one that changes something is also recorded before it begins: nothing
// changes while the audit log cannot be written.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "keyserver/admin/admin_outcome.hpp"
#include "keyserver/admin/admin_parts.hpp"
#include "keyserver/admin/admin_role.hpp"
#include "keyserver/admin/admin_workers.hpp"
#include "keyserver/admin/group_metrics.hpp"
#include "keyserver/protocols/http/http_service.hpp"

namespace prometheus {
class Counter;
}

namespace nae::admin {

struct Match;
struct Performed;

class AdminService final : public http::HttpService {
 public:
  explicit AdminService(AdminParts parts);

  void dispatch(http::HttpRequest request, http::Peer peer, Answer answer) override;

  // Counted, and recorded when it is the first of a row.
  void count_limited(http::Peer peer, bool record_it) override;

  // The whole of one call; may block. dispatch() without the threads.
  http::HttpResponse serve(const http::HttpRequest& request, const http::Peer& peer);

 private:
  // Answers on this thread, or on that of calls whose change is not in force everywhere yet.
  void serve_call(const http::HttpRequest& request, const http::Peer& peer, const Answer& answer);
  void acknowledge(AdminOutcome& outcome, const http::Peer& peer, const Answer& answer);
  // `approved`: the request that this call is, when a second administrator has approved it.
  http::HttpResponse serve_call(const http::HttpRequest& request, const http::Peer& peer,
                                const store::Approval* approved = nullptr);
  http::HttpResponse finish(AdminOutcome outcome, const http::Peer& peer);
  AdminOutcome act(const http::HttpRequest& request, const http::Peer& peer,
                   const store::Approval* approved);
  static AdminOutcome no_route(const http::HttpRequest& request, const Match& found);
  Performed perform(const store::Approval& approval, const http::Peer& approver);
  bool follows() const;
  Result<AdminRoles> roles_of(const http::Peer& peer);
  Result<std::optional<store::Admin>> admin_named(std::string_view name);
  Result<void> record(const http::Peer& peer, std::string_view action, std::string_view target,
                      std::string_view verdict, std::string_view reason, std::string_view detail,
                      std::string_view digest = {});
  http::HttpResponse metrics(const http::Peer& peer);
  http::HttpResponse ready();

  AdminParts parts_;
  std::int64_t started_at_us_;
  prometheus::Counter* granted_;
  prometheus::Counter* refused_;
  prometheus::Counter* limited_;
  std::optional<GroupMetrics> group_metrics_;
  std::atomic<bool> slow_call_runs_ = false;
  Verification verification_;
  // Last: their threads use the rest. Who asks for health does not wait behind calls that wait for
  // the store, and nobody behind a change that is made and waits for other key servers. Those wait
  // on one thread, which is enough: a change is in force where a later one is. At the end they are
  // told what is known then, and have their records.
  AdminWorkers waiting_, workers_, health_;
};

}  // namespace nae::admin
