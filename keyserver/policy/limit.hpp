// Limits: how many items may be used in a span of time, counted across all connections.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nae::policy {

enum class LimitPer : std::uint8_t {
  rule,  // all who the rule allows share it
  role,  // each effective role has its own
};

// "1000 per hour per role"
struct Limit {
  std::uint64_t items = 0;           // more than 0
  std::uint32_t window_seconds = 0;  // 1, 60, 3600 or 86400
  LimitPer per = LimitPer::role;
  friend bool operator==(const Limit&, const Limit&) = default;
};

// One limit as it holds for one decision. `counter` names the count: rule, window and, per role,
// the effective role. The same names count on over a change of the policy.
struct LimitUse {
  Limit limit;
  std::string rule;
  std::string counter;
  friend bool operator==(const LimitUse&, const LimitUse&) = default;
};

struct LimitBroken {
  std::string rule;
  Limit limit;
  std::uint32_t retry_after_ms = 0;  // when the request could pass if nobody else asks; 0: never,
                                     // it has more items than the limit
};

// The counts, shared by all connection threads. Sliding windows: what was taken counts until
// `window_seconds` later, in steps of a 64th of the window at most. Memory is bounded by the
// counters that took something within their window.
class LimitBook {
 public:
  // Takes `items` from all of `limits`, or from none and says which one would be broken first.
  // `now_us` never goes back by contract of the caller's clock; if it does, nothing expires
  // earlier.
  std::optional<LimitBroken> take(std::span<const LimitUse> limits, std::uint64_t items,
                                  std::int64_t now_us);
  // Drops what no window needs any more; call now and then.
  void expire(std::int64_t now_us);
  std::size_t size() const;

 private:
  struct Window;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Window>> windows_;
};

}  // namespace nae::policy
