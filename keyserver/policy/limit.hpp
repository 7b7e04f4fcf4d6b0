// Limits: how many items may be used in a span of time, counted across all connections.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::policy {

inline constexpr std::uint64_t kMaxLimitItems = 1'000'000'000'000;

enum class LimitPer : std::uint8_t {
  rule,   // all who the rule allows share it
  role,   // each role of the rule has its own, on each device
  login,  // each role that logged in has its own beside that
};

// "1000 per hour per role"
struct Limit {
  std::uint64_t items = 0;           // 1 to kMaxLimitItems
  std::uint32_t window_seconds = 0;  // 1, 60, 3600 or 86400
  LimitPer per = LimitPer::role;
  friend auto operator<=>(const Limit&, const Limit&) = default;
};

// "N per second|minute|hour|day", then nothing, " per role", " per login" or " per rule".
// Code::policy_invalid for anything else.
Result<Limit> parse_limit(std::string_view written);
std::string to_text(const Limit& limit);  // parse_limit() of it is the limit again

// Whom a limit counts.
struct LimitSubject {
  std::string_view device;      // by its certificate
  std::string_view entry;       // of the rule's `roles`, which the asker matched
  std::string_view login_role;  // as the program claims it
};

// One limit as it holds for one decision. `counter` names the count: rule, window and, unless they
// share it, whom. Nothing stands in it that an asker makes up, but for the login role where the
// policy asks for it. The same names count on over a change of the policy.
struct LimitUse {
  Limit limit;
  std::string rule;
  std::string counter;
  std::string device;
  friend bool operator==(const LimitUse&, const LimitUse&) = default;
};
LimitUse use_of(const Limit& limit, std::string_view rule, const LimitSubject& subject);

// What one request is to be counted by one limit. `use` lives as long.
struct LimitCharge {
  const LimitUse* use = nullptr;
  std::uint64_t items = 0;
};

struct LimitBroken {
  std::string rule;
  Limit limit;
  std::uint32_t retry_after_ms = 0;  // when the request could pass if nobody else asks; 0: never,
                                     // it has more items than the limit
};

// Login roles are claimed by programs, so their number is not ours to choose. At this many counters
// the oldest of the device that has the most are forgotten: nobody is refused for want of room.
inline constexpr std::size_t kMaxLimitCounters = 65'536;

// Counts of windows this long outlive the server.
inline constexpr std::uint32_t kKeptWindowSeconds = 3600;

// A count as the store keeps it.
struct LimitCount {
  std::string counter;
  std::string device;
  bool invented = false;  // by LimitPer::login
  std::uint32_t window_seconds = 0;
  Bytes window;  // LimitWindow::encode()
  std::int64_t expires_at_us = 0;
};

// The counts, shared by all connection threads. Sliding windows: what was taken counts until
// `window_seconds` later, in steps of a 64th of the window at most. Memory is bounded by the
// counters that took something within their window.
class LimitBook {
 public:
  LimitBook();
  ~LimitBook();
  LimitBook(const LimitBook&) = delete;
  LimitBook& operator=(const LimitBook&) = delete;

  // Takes the items of every charge, or none and says which limit of those that would be broken
  // stays so the longest. No counter stands twice among the charges. `now_us` is of any clock, the
  // same at each call, best a steady one; when it goes back, nothing expires earlier. Without
  // charges no lock is taken.
  std::optional<LimitBroken> take(std::span<const LimitCharge> charges, std::int64_t now_us);
  // `items` from each of `limits`.
  std::optional<LimitBroken> take(std::span<const LimitUse> limits, std::uint64_t items,
                                  std::int64_t now_us);
  // Drops what no window needs any more; call now and then.
  void expire(std::int64_t now_us);
  std::size_t size() const;

  // The long counts that changed since the last call. What could not be kept is given back.
  std::vector<LimitCount> take_changed();
  void give_back(std::span<const LimitCount> counts);
  // At start. Code::store_corrupt when one is malformed.
  Result<void> restore(std::span<const LimitCount> counts, std::int64_t now_us);

 private:
  struct Counted;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  // All with mutex_ held.
  Counted* find(const LimitUse& use) const;
  void make_room(std::span<const LimitCharge> charges, std::int64_t now_us);
  void forget_oldest();
  void drop_expired(std::int64_t now_us);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<Counted>, TextHash, std::equal_to<>> counted_;
};

}  // namespace nae::policy
