// TrustedTime: the wall clock, held against one that nobody can set. What cannot be undone rests on
// both. The rule and its reasons: docs/spec/keys.md, "Clocks".
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "libnae/base/clock.hpp"

namespace nae::keys {

// The wall clock may differ so much from where the steady one puts it: more is a jump.
inline constexpr std::int64_t kMostStepUs = std::int64_t{10} * 1'000'000;
// After another start of the machine the wall clock may be so far ahead of the newest time that is
// known: nothing but it says how long the machine was off.
inline constexpr std::int64_t kMostAbsenceUs = std::int64_t{86'400} * 1'000'000;
// A clock may run by this part too fast or too slow. Twice what NTP corrects at most by the kernel
// (adjtimex(2), 500 parts in a million).
inline constexpr std::int64_t kDrift = 1000;

struct Clocks {
  std::function<std::int64_t()> wall_us = unix_time_us;
  std::function<std::int64_t()> boot_us = boot_time_us;
  std::string boot_id = nae::boot_id();
};

// As the store keeps it.
struct KeptTime {
  std::int64_t steady_us = 0;
  std::int64_t trusted_us = 0;
  std::int64_t boot_us = 0;  // when the two were read
  std::string boot_id = {};
  bool doubted = false;  // the wall clock of then, and with it dates of audit records
  friend bool operator==(const KeptTime&, const KeptTime&) = default;
};

// Thread-safe. Times are microseconds.
class TrustedTime {
 public:
  // Believes the wall clock until begin().
  explicit TrustedTime(Clocks clocks = {});

  // At start. `newest_record_us`: the date of the newest record in the audit log; 0: there is none.
  void begin(const std::optional<KeptTime>& kept, std::int64_t newest_record_us);

  // Unix time as it is trusted: never jumps by itself. For what is planned.
  std::int64_t now_us() const { return clocks_.boot_us() + trusted_offset_us_; }
  // What has passed while somebody watched: counts on over restarts of the server, stands still
  // while the machine is off. Begins as Unix time in the life of a store, and is never ahead of
  // what really passed since. For what cannot be undone, and for limits.
  std::int64_t steady_us() const { return clocks_.boot_us() + steady_offset_us_; }

  // Compares the clocks; often, and before anything is done that was planned. True when the wall
  // clock is believed. One that comes back to where it should be is believed again.
  bool look();
  // Of the last look.
  bool trusted() const { return difference_us_ == 0; }
  std::int64_t difference_us() const { return difference_us_; }  // of the wall clock; 0: trusted
  std::uint64_t jumps() const { return jumps_; }                 // since the start, that were seen
  // "the wall clock is 691200 s ahead of the time that has passed", empty when trusted.
  std::string problem() const;

  // Believes the wall clock as it stands. What steady_us() says does not change.
  void accept();

  KeptTime kept() const;

 private:
  struct Pair {
    std::int64_t wall_us, boot_us;
  };
  Pair read() const;
  void believe(const Pair& now) { trusted_offset_us_ = now.wall_us - now.boot_us; }
  void doubt(std::int64_t difference_us);

  const Clocks clocks_;
  mutable std::mutex changing_;
  std::atomic<std::int64_t> trusted_offset_us_, steady_offset_us_;  // to the boot clock
  std::atomic<std::int64_t> difference_us_{0};
  std::atomic<std::uint64_t> jumps_{0};
  std::int64_t looked_at_us_ = 0;  // boot clock
};

}  // namespace nae::keys
