#include "keyserver/operations/charge.hpp"

#include <algorithm>

#include "keyserver/operations/asked.hpp"

namespace nae::operations {
namespace {

// A limit that one decision brought, and what it is to be charged.
struct Charge {
  const policy::Decision* decision;
  std::string_view key;
};

class Charges {
 public:
  explicit Charges(Request& request) : request_(request) {}

  void add(const policy::Decision& decision, std::string_view key, std::uint64_t items) {
    for (const policy::LimitUse& use : decision.limits) {
      if (std::ranges::find(request_.progress.charged, use.counter) !=
          request_.progress.charged.end())
        continue;
      auto same = std::ranges::find(limits_, use.counter,
                                    [](const auto& charge) { return charge.use->counter; });
      if (same != limits_.end()) {
        same->items += items;
        continue;
      }
      limits_.push_back({&use, items});
      origins_.push_back({&decision, key});
    }
  }

  std::optional<Refused> take() {
    if (limits_.empty()) return std::nullopt;
    if (request_.parts.follows)
      return Refused{left_to_the_one_in_charge("what a limit is charged for"),
                     std::string(origins_.front().key), *origins_.front().decision};
    if (auto broken = request_.parts.limits.take(limits_, request_.parts.clock.steady_us()))
      return refusal(*broken);
    for (const policy::LimitCharge& charge : limits_)
      request_.progress.charged.push_back(charge.use->counter);
    return std::nullopt;
  }

 private:
  Refused refusal(const policy::LimitBroken& broken) const {
    auto found = std::ranges::find(limits_, broken.rule,
                                   [](const auto& charge) { return charge.use->rule; });
    const Charge& origin = origins_[static_cast<std::size_t>(found - limits_.begin())];
    request_.parts.metrics.limit_refusals().Increment();
    std::string what(act_of(request_.asked));
    if (!origin.key.empty()) what += " with key \"" + std::string(origin.key) + "\"";
    std::string hint;
    if (broken.retry_after_ms == 0)
      hint = "Send at most " + std::to_string(broken.limit.items) + " values in one request.";
    Refused refused{
        Error(Code::limit_exceeded,
              "the limit of " + what + " is reached: " + policy::to_text(broken.limit), hint),
        std::string(origin.key), *origin.decision, broken.retry_after_ms};
    if (refused.decision.rule != broken.rule) refused.decision.membership.clear();
    refused.decision.rule = broken.rule;
    return refused;
  }

  Request& request_;
  std::vector<policy::LimitCharge> limits_;
  std::vector<Charge> origins_;  // of each
};

}  // namespace

Error left_to_the_one_in_charge(std::string_view what) {
  return Error(Code::server_unavailable,
               "this key server follows another one, which alone serves " + std::string(what),
               "Name all key servers of the group in 'servers' of the agent's configuration.");
}

std::optional<Refused> charge(Request& request, const policy::Decision& decision,
                              std::string_view key) {
  if (decision.limits.empty()) return std::nullopt;
  Charges charges(request);
  charges.add(decision, key, charged_items(request.asked));
  return charges.take();
}

std::optional<Refused> charge(Request& request, std::span<const std::unique_ptr<KeyUse>> uses) {
  Charges charges(request);
  for (const auto& use : uses)
    if (use->key) charges.add(use->decision, use->key->name, use->items);
  return charges.take();
}

}  // namespace nae::operations
