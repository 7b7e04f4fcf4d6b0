// The sliding window of one limit: what was taken, and when.
#pragma once

#include <array>
#include <cstdint>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::policy {

// The items of the current step, a 64th of the window, and of the 64 before it: the oldest step
// that may still hold an item younger than the window counts as a whole, so that no span of the
// window's length ever sees more than its limit.
class LimitWindow {
 public:
  explicit LimitWindow(std::uint32_t window_seconds);

  void advance(std::int64_t now_us);  // a clock that goes back expires nothing
  void add(std::uint64_t items);      // at the moment of the last advance()
  bool has_room(std::uint64_t items, std::uint64_t limit) const {
    return total_ <= limit && items <= limit - total_;
  }
  bool empty() const { return total_ == 0; }
  // When there will be room for `items`, if nothing is added; 0 when never.
  std::uint32_t retry_after_ms(std::uint64_t items, std::uint64_t limit, std::int64_t now_us) const;

  std::uint32_t seconds() const { return seconds_; }
  std::int64_t expires_at_us() const { return (step_ + kBuckets) * step_us_; }

  // For the store: the newest step and, of each that holds something, index and items.
  Bytes encode() const;
  // Code::store_corrupt for anything but what encode() writes.
  static Result<LimitWindow> decode(std::uint32_t window_seconds, ByteView encoded);

 private:
  static constexpr std::int64_t kSteps = 64;
  static constexpr std::int64_t kBuckets = kSteps + 1;
  // Steps before the first one are asked for as well and hold nothing.
  static std::size_t index(std::int64_t step) {
    return static_cast<std::size_t>((step % kBuckets + kBuckets) % kBuckets);
  }
  std::uint64_t& at(std::int64_t step) { return buckets_[index(step)]; }
  std::uint64_t at(std::int64_t step) const { return buckets_[index(step)]; }

  std::uint32_t seconds_;
  std::int64_t step_us_;
  std::int64_t step_ = 0;  // the newest
  std::uint64_t total_ = 0;
  std::array<std::uint64_t, kBuckets> buckets_{};
};

}  // namespace nae::policy
