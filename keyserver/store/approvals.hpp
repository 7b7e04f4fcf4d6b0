// Approvals: requests that wait for a second administrator, and what became of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyserver/store/approval.hpp"
#include "libnae/base/result.hpp"

namespace nae::store {

// How many must approve a request, and whose decisions count: everybody's, unless `counts` says
// otherwise. A decision that counted when it was made may count no longer.
struct Needed {
  Needed(std::size_t approvals_needed,  // NOLINT: a number alone is enough
         std::function<bool(const Decision&)> which = {})
      : approvals(approvals_needed), counts(std::move(which)) {}
  std::size_t approvals;
  std::function<bool(const Decision&)> counts;

  std::size_t counted(const std::vector<Decision>& decisions) const;
};

// Failures of every call: Code::store_unavailable (disk full, read-only, locked: nothing was
// changed), Code::store_corrupt. Every call is one durable transaction.
class Approvals {
 public:
  virtual ~Approvals() = default;

  // Answers the id of what waits: that of `approval`, or of the same request (digest) that this
  // administrator made with this certificate before and that still waits. Code::overloaded when
  // `most_waiting` wait, or a fifth of them from the same administrator.
  virtual Result<std::string> insert_approval(const Approval& approval,
                                              std::size_t most_waiting) = 0;
  virtual Result<std::optional<Approval>> find_approval(std::string_view id) = 0;
  // Without bodies and answers; those that wait first, the newest first among them.
  virtual Result<std::vector<Approval>> list_approvals(std::size_t most) = 0;
  // Adds one administrator's decision and answers what the request is then: rejected by one who
  // rejects, running when as many as `needed` says have approved, waiting before that.
  // Code::not_found; Code::conflict when it does not wait any more or has expired (of two who
  // decide at once one is too late), when the decision is about another digest, or when its
  // administrator has decided already or approves his own request.
  virtual Result<ApprovalState> decide_approval(std::string_view id, const Decision& decision,
                                                const Needed& needed) = 0;
  // From running to done or failed. The body goes, what was answered stays.
  virtual Result<void> finish_approval(std::string_view id, unsigned status,
                                       std::string_view answer) = 0;
  virtual Result<void> expire_approvals(std::int64_t now_us) = 0;
  // At the start: what was running when the server died. Nobody knows how far it came, so it is not
  // done again. Answers their ids.
  virtual Result<std::vector<std::string>> interrupt_approvals() = 0;
};

}  // namespace nae::store
