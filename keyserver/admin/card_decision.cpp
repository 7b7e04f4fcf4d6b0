#include "keyserver/admin/card_decision.hpp"

#include <algorithm>
#include <charconv>

#include "keyserver/admin/backups.hpp"
#include "libnae/base/text.hpp"

namespace nae::admin {
namespace {

constexpr std::string_view kCard = "card/";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// nullptr for a decision of a card that is in it no longer, or was of another generation.
const custody::ShareRecord* share_of(const custody::CustodySet& custodians,
                                     const store::Decision& decision) {
  for (const custody::ShareRecord& share : custodians.shares)
    if (decision.by == decided_by(custodians, share)) return &share;
  return nullptr;
}

}  // namespace

std::string decided_by(const custody::CustodySet& custodians, const custody::ShareRecord& share) {
  return std::string(kCard) + share.holder + "/" + std::to_string(custodians.generation) + "/" +
         to_hex(share.card);
}

std::optional<CardDecision> card_decision(std::string_view by) {
  if (!by.starts_with(kCard)) return std::nullopt;
  by.remove_prefix(kCard.size());
  CardDecision decision;
  const std::size_t holder = by.find('/');
  decision.holder = by.substr(0, holder);
  if (holder == std::string_view::npos) return decision;
  by.remove_prefix(holder + 1);
  const auto [end, error] = std::from_chars(by.data(), by.data() + by.size(), decision.generation);
  const std::size_t read = static_cast<std::size_t>(end - by.data());
  if (error != std::errc() || read >= by.size() || by[read] != '/')
    return CardDecision{decision.holder, 0, ""};
  decision.card = by.substr(read + 1);
  return decision;
}

std::string shown_decider(std::string_view by) {
  const auto card = card_decision(by);
  return card ? std::string(kCard) + card->holder : std::string(by);
}

bool is_current(const custody::CustodySet& custodians, const store::Decision& decision) {
  return share_of(custodians, decision) != nullptr;
}

std::string approvers_of(const store::Approval& approval, const ApprovalRules& rules) {
  const bool by_cards = rules.by_cards.contains(approval.operation);
  std::string who;
  for (const store::Decision& decision : approval.decisions)
    if (!by_cards || is_current(*rules.custodians, decision))
      who += (who.empty() ? "" : ", ") + shown_decider(decision.by);
  return who;
}

Result<Requester> requester_of(store::Admins& admins, const std::string& name) {
  NAE_ASSIGN(const std::optional<store::Admin> admin, admins.find_admin(name));
  return Requester{name, admin ? admin->key_sha256 : std::string()};
}

bool is_of(const Requester& requester, const custody::ShareRecord& share) {
  return std::ranges::equal(requester.name, share.holder, {}, lower, lower) ||
         requester.key_sha256 == to_hex(share.card);
}

std::size_t cards_for(const ApprovalRules& rules, std::string_view operation) {
  return operation == kBackupClass ? std::max(rules.cards, rules.custodians->k) : rules.cards;
}

store::Needed needed_cards(const ApprovalRules& rules, std::string_view operation,
                           const Requester& requester) {
  return {cards_for(rules, operation),
          [custodians = rules.custodians, requester](const store::Decision& decision) {
            const custody::ShareRecord* share = share_of(*custodians, decision);
            return share != nullptr && !is_of(requester, *share);
          }};
}

Result<void> check_reachable(const ApprovalRules& rules, std::string_view operation,
                             const Requester& requester) {
  const std::size_t needed = cards_for(rules, operation);
  const auto others = static_cast<std::size_t>(std::ranges::count_if(
      rules.custodians->shares,
      [&](const custody::ShareRecord& share) { return !is_of(requester, share); }));
  if (others >= needed) return {};
  return fail(Code::approval_required,
              "this takes " + std::to_string(needed) + " cards, and without that of " +
                  requester.name + ", who asks, there are " + std::to_string(others),
              "Let an administrator ask who is no custodian.");
}

}  // namespace nae::admin
