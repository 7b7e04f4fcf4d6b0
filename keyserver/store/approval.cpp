#include "keyserver/store/approval.hpp"

namespace nae::store {

static constexpr std::string_view kNames[] = {"",       "waiting",  "running", "done",
                                              "failed", "rejected", "expired", "interrupted"};

std::string_view name(ApprovalState state) {
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view name(Verdict verdict) {
  return verdict == Verdict::approved ? "approved" : "rejected";
}

}  // namespace nae::store
