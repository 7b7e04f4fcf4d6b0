// /v1/approvals: what waits for a second administrator, and that one's decision.
#include "keyserver/admin/api/request_text.hpp"
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/approval.hpp"
#include "keyserver/admin/approval_base.hpp"
#include "keyserver/admin/card_decision.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kMostWaiting = 100;
constexpr std::size_t kMostShown = 200;
// How many others must approve a request.
constexpr std::size_t kApprovers = 1;

json::value time_or_null(std::int64_t time_us) {
  return time_us == 0 ? json::value() : json::value(api::format_time(time_us));
}

json::array shown_decisions(const store::Approval& approval, const ApprovalRules& rules) {
  json::array decisions;
  for (const store::Decision& decision : approval.decisions) {
    json::object shown{{"by", shown_decider(decision.by)},
                       {"decision", store::name(decision.verdict)},
                       {"digest", decision.digest},
                       {"at", api::format_time(decision.at_us)}};
    if (const auto card = card_decision(decision.by)) {
      shown["generation"] = card->generation;
      shown["card"] = card->card;
      shown["counts"] = rules.custodians && is_current(*rules.custodians, decision);
    }
    decisions.push_back(std::move(shown));
  }
  return decisions;
}

// "decided_by" and "decided_at" are those of the last decision, for clients that know no list.
json::object shown_approval(const store::Approval& approval, const ApprovalRules& rules) {
  const store::Decision last =
      approval.decisions.empty() ? store::Decision{} : approval.decisions.back();
  return {{"id", approval.id},
          {"operation", approval.operation},
          {"action", approval.action},
          {"method", approval.method},
          {"target", approval.target},
          {"content_type", approval.content_type},
          {"digest", approval.digest},
          {"base", approval.base.empty() ? json::value() : json::value(approval.base)},
          {"state", store::name(approval.state)},
          {"requested_by", approval.requested_by},
          {"requested_at", api::format_time(approval.requested_at_us)},
          {"expires_at", api::format_time(approval.expires_at_us)},
          {"decisions", shown_decisions(approval, rules)},
          {"decided_by", shown_decider(last.by)},
          {"decided_at", time_or_null(last.at_us)}};
}

}  // namespace

Result<store::Approval> approval_of(const AdminCall& call) {
  NAE_TRY(call.parts.store.store.expire_approvals(call.now_us));
  NAE_ASSIGN(std::optional<store::Approval> approval,
             call.parts.store.store.find_approval(call.names.at(0)));
  if (!approval)
    return fail(Code::not_found, "there is no request " + call.names.at(0),
                "See 'nae approvals' for those that wait.");
  return *std::move(approval);
}

namespace {

// The call that the request would be, made by the one who decides on it.
template <class Ask>
auto as_requested(const AdminCall& call, const store::Approval& approval, Ask ask)
    -> decltype(ask(std::declval<AdminCall&>(), std::declval<const Route&>())) {
  http::HttpRequest request{approval.method, approval.target, approval.content_type, approval.body};
  NAE_ASSIGN(Target target, parse_target(request.target));
  Match found = match(request.method, target);
  if (!found.route) return fail(Code::not_found, "the request is for nothing that there is");
  AdminCall as_call{call.parts, request,    target,      std::move(found.names),
                    call.admin, call.roles, call.now_us, call.started_at_us,
                    {},         {},         {},          approval.base};
  return ask(as_call, *found.route);
}

Result<void> must_be_permitted(const AdminCall& call, const store::Approval& approval) {
  return as_requested(call, approval, [&](AdminCall& as_call, const Route& route) -> Result<void> {
    if (!call.roles.intersects(route.any_of))
      return fail(Code::admin_role_missing,
                  approval.action + " is approved by one of the roles: " + route.any_of.text());
    return route.permission ? route.permission(as_call) : Result<void>{};
  });
}

}  // namespace

Result<json::value> preview_of(const AdminCall& call, const store::Approval& approval) {
  return as_requested(call, approval,
                      [](AdminCall& as_call, const Route& route) -> Result<json::value> {
                        NAE_TRY(check_base(as_call, route));
                        if (!route.preview) return json::value();
                        NAE_ASSIGN(Reply preview, route.preview(as_call));
                        return json::value(std::move(preview.body));
                      });
}

namespace {

// The approver says which request he saw.
Result<void> check_digest(const AdminCall& call, const store::Approval& approval) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string seen, fields.text("digest"));
  NAE_TRY(fields.complete());
  http::HttpRequest request{approval.method, approval.target, approval.content_type, approval.body};
  if (seen == approval.digest && request_digest(request, approval.base) == approval.digest)
    return {};
  return fail(Code::conflict, "the request is not the one that was looked at",
              "Look at it again: nae approvals " + approval.id);
}

}  // namespace

Result<void> check_waiting(const store::Approval& approval) {
  if (approval.state == store::ApprovalState::waiting) return {};
  return fail(Code::conflict,
              "the request " + approval.id + " does not wait any more: it is " +
                  std::string(store::name(approval.state)),
              "Make the request again if it is still wanted.");
}

std::string audit_text(const store::Approval& approval) {
  return approval.action + " " + approval.target + " by " + approval.requested_by;
}

Result<Reply> do_approved(AdminCall& call, const store::Approval& approval,
                          json::value difference) {
  Performed performed = call.perform(approval);
  NAE_TRY(call.parts.store.store.finish_approval(approval.id, performed.status, performed.body));
  NAE_ASSIGN(json::object answer, api::parse_object(performed.body));
  bool done = performed.status < 400;
  call.audit_detail += done ? ", done" : ", failed";
  return Reply{{{"id", approval.id},
                {"state", done ? "done" : "failed"},
                {"status", performed.status},
                {"difference", std::move(difference)},
                {"answer", std::move(answer)}}};
}

std::string request_digest(const http::HttpRequest& request, const std::string& base) {
  const std::string text =
      api::request_text(request.method, request.target, request.content_type, request.body, base);
  return to_hex(crypto::sha256(as_bytes(text)));
}

Result<void> check_base(const AdminCall& call, const Route& route) {
  if (call.base.empty()) return {};
  NAE_ASSIGN(const std::string now, base_of(call, route));
  if (now == call.base) return {};
  return fail(Code::conflict,
              "what the request would change has changed since it was made: it was " + call.base +
                  " and is " + now,
              "Look at what is there now, and make the request again.");
}

Result<Reply> request_approval(AdminCall& call, const Route& route, const std::string& operation,
                               const std::string& fingerprint) {
  if (!call.request.body.empty()) NAE_TRY(call.body());
  NAE_TRY(call.parts.store.store.expire_approvals(call.now_us));
  if (call.parts.approval.rules.by_cards.contains(operation)) {
    NAE_ASSIGN(const Requester requester, requester_of(call.parts.store.store, call.admin));
    NAE_TRY(check_reachable(call.parts.approval.rules, operation, requester));
  }
  NAE_ASSIGN(const std::string base, base_of(call, route));
  json::value difference;
  if (route.preview) {
    NAE_ASSIGN(Reply preview, route.preview(call));
    difference = std::move(preview.body);
  }
  Bytes id(kIdBytes);
  NAE_TRY(crypto::random_bytes(id));
  store::Approval approval;
  approval.id = to_hex(id);
  approval.operation = operation;
  approval.action = route.action;
  approval.method = call.request.method;
  approval.target = call.request.target;
  approval.content_type = call.request.content_type;
  approval.body = call.request.body;
  approval.base = base;
  approval.digest = request_digest(call.request, base);
  approval.requested_by = call.admin;
  approval.fingerprint = fingerprint;
  approval.requested_at_us = call.now_us;
  std::chrono::microseconds lasts = call.parts.approval.rules.expires_after;
  approval.expires_at_us = call.now_us + lasts.count();
  NAE_ASSIGN(const std::string stored,
             call.parts.store.store.insert_approval(approval, kMostWaiting));
  if (stored != approval.id) {
    NAE_ASSIGN(std::optional<store::Approval> same, call.parts.store.store.find_approval(stored));
    if (!same) return fail(Code::conflict, "the same request was decided on at this moment");
    approval = *std::move(same);
  }
  call.audit_detail = "waits for approval as " + approval.id;
  call.audit_digest = "request:" + approval.digest;
  json::object shown = shown_approval(approval, call.parts.approval.rules);
  shown["difference"] = std::move(difference);
  if (call.parts.approval.rules.by_cards.contains(operation))
    shown["cards"] = cards_for(call.parts.approval.rules, operation);
  return Reply{{{"approval", std::move(shown)}}, 202};
}

Result<Reply> list_approvals(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_TRY(call.parts.store.store.expire_approvals(call.now_us));
  NAE_ASSIGN(std::vector<store::Approval> known,
             call.parts.store.store.list_approvals(kMostShown + 1));
  const bool truncated = known.size() > kMostShown;
  if (truncated) known.pop_back();
  json::array approvals;
  for (const store::Approval& approval : known)
    approvals.push_back(shown_approval(approval, call.parts.approval.rules));
  return Reply{{{"approvals", std::move(approvals)}, {"truncated", truncated}}};
}

// Body and answer are for who may make the call or approve it, and for auditors.
Result<Reply> show_approval(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(store::Approval approval, approval_of(call));
  json::object shown = shown_approval(approval, call.parts.approval.rules);
  const bool by_cards = call.parts.approval.rules.by_cards.contains(approval.operation);
  if (by_cards) shown["cards"] = cards_for(call.parts.approval.rules, approval.operation);
  bool may_read = approval.requested_by == call.admin || call.roles.contains(AdminRole::auditor) ||
                  must_be_permitted(call, approval);
  // A custodian is whoever has a card, and approves what he was shown.
  const bool may_see = may_read || by_cards;
  shown["body"] = may_see ? json::value(approval.body) : json::value();
  shown["difference"] = nullptr;
  if (may_see && approval.state == store::ApprovalState::waiting) {
    auto preview = preview_of(call, approval);
    if (preview)
      shown["difference"] = *std::move(preview);
    else
      shown["refused"] = preview.error().message;  // as approving would be
  }
  shown["status"] = approval.status;
  shown["answer"] = nullptr;
  if (may_read && !approval.answer.empty()) {
    NAE_ASSIGN(shown["answer"], api::parse_object(approval.answer));
  }
  return Reply{std::move(shown)};
}

Result<void> may_approve(const AdminCall& call) {
  NAE_ASSIGN(store::Approval approval, approval_of(call));
  if (approval.requested_by == call.admin)
    return fail(Code::approval_required, "who makes a request does not approve it",
                "Ask another administrator with the role: nae approve " + approval.id);
  NAE_TRY(check_waiting(approval));
  if (call.parts.approval.rules.by_cards.contains(approval.operation))
    return fail(Code::approval_required,
                "this request is approved by " +
                    std::to_string(cards_for(call.parts.approval.rules, approval.operation)) +
                    " custodians' cards",
                "Ask the custodians: nae custody approve " + approval.id);
  return must_be_permitted(call, approval);
}

Result<Reply> approve(AdminCall& call) {
  NAE_ASSIGN(store::Approval approval, approval_of(call));
  call.audit_detail = audit_text(approval);
  call.audit_digest = "request:" + approval.digest;
  NAE_TRY(check_digest(call, approval));
  NAE_ASSIGN(json::value difference, preview_of(call, approval));
  const store::Decision decision{call.admin, store::Verdict::approved, approval.digest,
                                 call.now_us};
  NAE_TRY(call.parts.store.store.decide_approval(approval.id, decision, kApprovers));
  approval.decisions.push_back(decision);
  return do_approved(call, approval, std::move(difference));
}

// The requester may withdraw what he asked for.
Result<void> may_reject(const AdminCall& call) {
  NAE_ASSIGN(store::Approval approval, approval_of(call));
  NAE_TRY(check_waiting(approval));
  if (approval.requested_by == call.admin) return {};
  return must_be_permitted(call, approval);
}

Result<Reply> reject(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(store::Approval approval, approval_of(call));
  call.audit_detail = audit_text(approval);
  call.audit_digest = "request:" + approval.digest;
  NAE_TRY(call.parts.store.store.decide_approval(
      approval.id, {call.admin, store::Verdict::rejected, approval.digest, call.now_us},
      kApprovers));
  return Reply{{{"id", approval.id}, {"state", "rejected"}}};
}

}  // namespace nae::admin
