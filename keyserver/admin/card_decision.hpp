// What a custodian's card has decided, as the store and the ledger keep it: by whom, in which
// generation of the custody, with which card. Custodians change; a decision does not outlive them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "keyserver/admin/approval_rules.hpp"
#include "keyserver/store/admins.hpp"
#include "keyserver/store/approvals.hpp"

namespace nae::admin {

struct CardDecision {
  std::string holder;
  std::uint32_t generation = 0;  // 0: of a server that did not say; there is none that it fits
  std::string card;              // SHA-256 of its SubjectPublicKeyInfo, hexadecimal; or empty
};

// store::Decision::by of a card: "card/HOLDER/GENERATION/DIGEST". No administrator's name has a
// stroke. docs/spec/ledger.md.
std::string decided_by(const custody::CustodySet& custodians, const custody::ShareRecord& share);
// Nothing for an administrator's decision. "card/HOLDER" is what servers before 0.2 wrote.
std::optional<CardDecision> card_decision(std::string_view by);
// For people: "card/HOLDER", or the administrator.
std::string shown_decider(std::string_view by);
// Whether it is one of a card that is in the custody now, and of its generation.
bool is_current(const custody::CustodySet& custodians, const store::Decision& decision);
// Whose decisions had it done, for a record: "alice", or "card/alice, card/bob".
std::string approvers_of(const store::Approval& approval, const ApprovalRules& rules);

// Who asks, and so is none of those who approve: the dual control of NIST SP 800-57 part 1 takes
// separate persons. A custodian is known by name, or by the key of the certificate.
struct Requester {
  std::string name;
  std::string key_sha256;  // of the administrator's key, hexadecimal; empty: not there any more
};
Result<Requester> requester_of(store::Admins& admins, const std::string& name);
bool is_of(const Requester& requester, const custody::ShareRecord& share);

// How many cards approve what is of this class: rules.cards, and for a backup at least as many as
// open the custody file, for it is all that they protect.
std::size_t cards_for(const ApprovalRules& rules, std::string_view operation);
// Those, and which decisions of `rules.custodians` count: of cards that are in it now, of its
// generation, and of other people than the requester.
store::Needed needed_cards(const ApprovalRules& rules, std::string_view operation,
                           const Requester& requester);
// Code::approval_required when there are not as many cards of others.
Result<void> check_reachable(const ApprovalRules& rules, std::string_view operation,
                             const Requester& requester);

}  // namespace nae::admin
