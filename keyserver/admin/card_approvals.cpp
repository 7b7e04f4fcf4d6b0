// /v1/approvals/ID/questions and presences: custodians' cards approve in place of an administrator.
// Whoever asks may be any administrator: it is the card that decides.
#include <algorithm>

#include "keyserver/admin/approval.hpp"
#include "keyserver/admin/card_decision.hpp"
#include "libnae/base/text.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kMaxPublicKeyBytes = 1024;  // of RSA-4096: 550

Result<store::Approval> waiting_for_cards(const AdminCall& call) {
  NAE_ASSIGN(store::Approval approval, approval_of(call));
  NAE_TRY(check_waiting(approval));
  if (call.parts.approval.presences &&
      call.parts.approval.rules.by_cards.contains(approval.operation))
    return approval;
  return fail(Code::conflict, "this request is not approved by cards",
              "See approval.by_cards in the key server's configuration.");
}

Result<crypto::Sha256Digest> request_digest_of(const store::Approval& approval) {
  crypto::Sha256Digest digest;
  NAE_ASSIGN(const Bytes bytes, from_hex(approval.digest));
  if (bytes.size() != digest.size())
    return fail(Code::store_corrupt, "the digest of request " + approval.id + " is none");
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

}  // namespace

Result<Reply> ask_card(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(const store::Approval approval, waiting_for_cards(call));
  NAE_ASSIGN(const json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(const std::string text, fields.text("public_key"));
  NAE_TRY(fields.complete());
  NAE_ASSIGN(const Bytes public_key, from_hex(text));
  if (public_key.size() > kMaxPublicKeyBytes)
    return fail(Code::invalid_argument, "public_key is too long for that of a card");
  NAE_ASSIGN(const crypto::Sha256Digest request, request_digest_of(approval));
  NAE_ASSIGN(const Presences::Asked asked,
             call.parts.approval.presences->ask(call.admin, approval.id, request, public_key,
                                                call.parts.clock.steady_us()));
  const custody::Question& question = asked.question;
  NAE_ASSIGN(const Requester requester,
             requester_of(call.parts.store.store, approval.requested_by));
  if (is_of(requester, question.card))
    return fail(Code::approval_required,
                "the card of " + question.card.holder + " is that of " + approval.requested_by +
                    ", who made the request, and does not approve it",
                "It takes the cards of other custodians.");
  const std::string by = decided_by(*call.parts.approval.rules.custodians, question.card);
  if (std::ranges::find(approval.decisions, by, &store::Decision::by) != approval.decisions.end())
    return fail(Code::conflict,
                "the card of " + question.card.holder + " has approved this request already",
                "It takes different cards.");
  call.audit_detail = "the card of " + question.card.holder + "; " + audit_text(approval);
  return Reply{{{"id", approval.id},
                {"question", asked.id},
                {"holder", question.card.holder},
                {"sealing", custody::name(question.card.sealing)},
                {"group", to_hex(question.group)},
                {"generation", question.generation},
                {"digest", approval.digest},
                {"sealed", to_hex(question.sealed)}}};
}

Result<Reply> take_presence(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(store::Approval approval, waiting_for_cards(call));
  call.audit_detail = audit_text(approval);
  call.audit_digest = "request:" + approval.digest;
  NAE_ASSIGN(const json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(const std::string question, fields.text("question"));
  NAE_ASSIGN(const std::string code_text, fields.text("code"));
  NAE_TRY(fields.complete());
  NAE_ASSIGN(const Bytes code, from_hex(code_text));
  NAE_ASSIGN(json::value difference, preview_of(call, approval));
  NAE_ASSIGN(const custody::ShareRecord card,
             call.parts.approval.presences->answer(approval.id, question, code,
                                                   call.parts.clock.steady_us()));
  const custody::CustodySet& custodians = *call.parts.approval.rules.custodians;
  NAE_ASSIGN(const Requester requester,
             requester_of(call.parts.store.store, approval.requested_by));
  const store::Needed needed =
      needed_cards(call.parts.approval.rules, approval.operation, requester);
  const store::Decision decision{decided_by(custodians, card), store::Verdict::approved,
                                 approval.digest, call.now_us};
  NAE_ASSIGN(const store::ApprovalState state,
             call.parts.store.store.decide_approval(approval.id, decision, needed));
  // Another card may have decided since the request was looked at.
  NAE_ASSIGN(approval, approval_of(call));
  const std::size_t counted = needed.counted(approval.decisions);
  call.audit_detail += ", the card of " + card.holder + " is card " + std::to_string(counted) +
                       " of " + std::to_string(needed.approvals) + " (generation " +
                       std::to_string(custodians.generation) + ", " + to_hex(card.card) + ")";
  if (state == store::ApprovalState::running)
    return do_approved(call, approval, std::move(difference));
  return Reply{{{"id", approval.id},
                {"state", store::name(state)},
                {"holder", card.holder},
                {"cards", needed.approvals},
                {"missing", needed.approvals - std::min(needed.approvals, counted)}}};
}

}  // namespace nae::admin
