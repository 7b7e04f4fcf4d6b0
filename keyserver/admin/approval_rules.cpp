#include "keyserver/admin/approval_rules.hpp"

#include "keyserver/admin/route.hpp"

namespace nae::admin {
namespace {

constexpr std::string_view kKeyDestroy = "key-destroy";

std::set<std::string, std::less<>> known_classes() {
  std::set<std::string, std::less<>> classes{std::string(kKeyDestroy)};
  for (const Route& route : routes())
    if (std::string name = operation_class(route, {}); !name.empty())
      classes.insert(std::move(name));
  return classes;
}

}  // namespace

std::string operation_class(const Route& route, std::string_view body) {
  const std::string_view known = route.effect.approval;
  if (known != kByAction) return std::string(known);
  if (route.action.starts_with("key-")) {  // at once or by a schedule
    auto object = api::parse_object(body);
    if (object && api::shown(json::value(*std::move(object)), "state") == "destroyed")
      return std::string(kKeyDestroy);
  }
  return std::string(route.action);
}

Result<ApprovalRules> approval_rules(const std::vector<std::string>& required,
                                     std::chrono::seconds expires_after) {
  ApprovalRules rules;
  rules.required = {required.begin(), required.end()};
  rules.expires_after = expires_after;
  const auto known = known_classes();
  for (const std::string& name : rules.required) {
    if (known.contains(name)) continue;
    std::string all;
    for (const std::string& each : known) all += (all.empty() ? "" : ", ") + each;
    return fail(Code::config_invalid, "approval.required: no operation is called \"" + name + "\"",
                "Possible: " + all);
  }
  if (rules.any() && !rules.required.contains(kAdminChange))
    return fail(Code::config_invalid, "approval.required must name admin-change as well",
                "Whoever can appoint an administrator alone can also approve alone.");
  return rules;
}

Result<ApprovalRules> with_cards(ApprovalRules rules, const std::vector<std::string>& by_cards,
                                 std::size_t cards, custody::CustodySet custodians) {
  for (const std::string& name : by_cards)
    if (!rules.required.contains(name))
      return fail(Code::config_invalid,
                  "approval.by_cards: \"" + name + "\" is not in approval.required",
                  "Cards stand in for the second administrator of what takes one.");
  if (cards > custodians.n())
    return fail(Code::config_invalid, "approval.cards: " + std::to_string(cards) +
                                          " cards, and the custody file has " +
                                          std::to_string(custodians.n()));
  rules.by_cards = {by_cards.begin(), by_cards.end()};
  rules.cards = cards;
  rules.custodians = std::make_shared<const custody::CustodySet>(std::move(custodians));
  return rules;
}

}  // namespace nae::admin
