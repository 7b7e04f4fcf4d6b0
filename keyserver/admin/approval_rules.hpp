// Which operations a second administrator must approve. The rules come from the server's own
// configuration and no call changes them: whoever could would need nobody's approval.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/result.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::admin {

struct ApprovalRules {
  std::set<std::string, std::less<>> required;  // classes of operations
  std::chrono::seconds expires_after{86'400};
  // Of those: what so many custodians' cards approve, in place of an administrator.
  std::set<std::string, std::less<>> by_cards = {};
  std::size_t cards = 0;
  std::shared_ptr<const custody::CustodySet> custodians = {};  // whose cards; with by_cards

  bool any() const { return !required.empty(); }
};

struct Route;

// The class of what a call with this body does: that of its route, or "key-destroy" for a key's
// version to become destroyed. "" for what is never subject to approval.
std::string operation_class(const Route& route, std::string_view body);

// Code::config_invalid for a class that no call belongs to, and unless "admin-change" is among
// those required: who could appoint a second administrator alone would approve for himself.
Result<ApprovalRules> approval_rules(const std::vector<std::string>& required,
                                     std::chrono::seconds expires_after);

// The same, and cards for some of them. Code::config_invalid for a class that is not required, and
// for more cards than `custodians` has.
Result<ApprovalRules> with_cards(ApprovalRules rules, const std::vector<std::string>& by_cards,
                                 std::size_t cards, custody::CustodySet custodians);

}  // namespace nae::admin
