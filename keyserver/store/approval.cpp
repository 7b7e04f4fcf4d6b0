#include "keyserver/store/approval.hpp"

#include <algorithm>

#include "keyserver/store/approvals.hpp"

namespace nae::store {

static constexpr std::string_view kNames[] = {"",       "waiting",  "running", "done",
                                              "failed", "rejected", "expired", "interrupted"};

std::string_view name(ApprovalState state) {
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view name(Verdict verdict) {
  return verdict == Verdict::approved ? "approved" : "rejected";
}

std::size_t Needed::counted(const std::vector<Decision>& decisions) const {
  return static_cast<std::size_t>(std::ranges::count_if(decisions, [&](const Decision& decision) {
    return decision.verdict == Verdict::approved && (!counts || counts(decision));
  }));
}

}  // namespace nae::store
