#include "keyserver/policy/limit.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace nae::policy {
namespace {

constexpr std::int64_t kSteps = 64;  // of a window
constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
constexpr std::uint32_t kSweepEveryMs = 1000;
constexpr std::int64_t kSweepEveryUs = std::int64_t{kSweepEveryMs} * 1000;

}  // namespace

// The items of the current step and of the 64 before it: the oldest step that may still hold an
// item younger than the window counts as a whole, so that no span of the window's length ever sees
// more than its limit.
class LimitBook::Window {
 public:
  explicit Window(std::uint32_t window_seconds)
      : step_us_(std::int64_t{window_seconds} * kMicrosecondsPerSecond / kSteps) {}

  void advance(std::int64_t now_us) {
    std::int64_t now_step = now_us / step_us_;
    if (now_step <= step_) return;  // a clock that went back expires nothing
    std::int64_t passed = std::min<std::int64_t>(now_step - step_, kBuckets);
    for (std::int64_t i = 1; i <= passed; ++i) {
      std::uint64_t& bucket = at(now_step - passed + i);
      total_ -= bucket;
      bucket = 0;
    }
    step_ = now_step;
  }

  bool has_room(std::uint64_t items, const Limit& limit) const {
    return total_ <= limit.items && items <= limit.items - total_;
  }
  void add(std::uint64_t items) {
    at(step_) += items;
    total_ += items;
  }
  bool empty() const { return total_ == 0; }

  // When there will be room for `items`, if nothing is added; 0 when never.
  std::uint32_t retry_after_ms(std::uint64_t items, const Limit& limit, std::int64_t now_us) const {
    if (items > limit.items) return 0;
    std::uint64_t left = total_;
    for (std::int64_t step = step_ - kBuckets + 1; step <= step_; ++step) {
      left -= at(step);
      if (left > limit.items - items) continue;
      std::int64_t wait_us = std::max<std::int64_t>((step + kBuckets) * step_us_ - now_us, 1);
      return static_cast<std::uint32_t>(std::min<std::int64_t>(
          (wait_us + 999) / 1000, std::numeric_limits<std::uint32_t>::max()));
    }
    return 1;  // not reached: the last step leaves nothing
  }

 private:
  static constexpr std::int64_t kBuckets = kSteps + 1;
  // Steps before the first one are asked for as well and hold nothing.
  static std::size_t index(std::int64_t step) {
    return static_cast<std::size_t>((step % kBuckets + kBuckets) % kBuckets);
  }
  std::uint64_t& at(std::int64_t step) { return buckets_[index(step)]; }
  std::uint64_t at(std::int64_t step) const { return buckets_[index(step)]; }

  std::int64_t step_us_;
  std::int64_t step_ = 0;  // the newest
  std::uint64_t total_ = 0;
  std::array<std::uint64_t, kBuckets> buckets_{};
};

LimitBook::LimitBook() : next_sweep_us_(std::numeric_limits<std::int64_t>::min()) {}
LimitBook::~LimitBook() = default;

LimitBook::Window* LimitBook::find(const LimitUse& use) const {
  auto found = windows_.find(use.counter);
  return found == windows_.end() ? nullptr : found->second.get();
}

// For the counters of `charges` that are new.
bool LimitBook::make_room(std::span<const LimitCharge> charges, std::int64_t now_us) {
  auto added = static_cast<std::size_t>(std::ranges::count_if(
      charges, [&](const LimitCharge& charge) { return find(*charge.use) == nullptr; }));
  if (windows_.size() + added <= kMaxLimitCounters) return true;
  if (now_us < next_sweep_us_) return added == 0;
  next_sweep_us_ = now_us + kSweepEveryUs;
  drop_expired(now_us);
  return windows_.size() + added <= kMaxLimitCounters;
}

std::optional<LimitBroken> LimitBook::take(std::span<const LimitUse> limits, std::uint64_t items,
                                           std::int64_t now_us) {
  if (items == 0) return std::nullopt;
  std::vector<LimitCharge> charges;
  for (const LimitUse& use : limits) charges.push_back({&use, items});
  return take(charges, now_us);
}

std::optional<LimitBroken> LimitBook::take(std::span<const LimitCharge> charges,
                                           std::int64_t now_us) {
  if (charges.empty()) return std::nullopt;
  std::lock_guard lock(mutex_);
  if (!make_room(charges, now_us)) {
    const LimitUse& first = *charges.front().use;
    return LimitBroken{first.rule, first.limit, kSweepEveryMs};
  }

  std::optional<LimitBroken> broken;
  for (const auto& [named, items] : charges) {
    const LimitUse& use = *named;
    Window* counted = find(use);
    if (counted != nullptr) counted->advance(now_us);
    if (counted != nullptr ? counted->has_room(items, use.limit) : items <= use.limit.items)
      continue;
    std::uint32_t wait_ms =
        items > use.limit.items ? 0 : counted->retry_after_ms(items, use.limit, now_us);
    bool holds_longer = !broken || wait_ms == 0 ||
                        (broken->retry_after_ms != 0 && wait_ms > broken->retry_after_ms);
    if (holds_longer) broken = LimitBroken{use.rule, use.limit, wait_ms};
  }
  if (broken) return broken;

  for (const auto& [use, items] : charges) {
    std::unique_ptr<Window>& counted = windows_[use->counter];
    if (!counted) counted = std::make_unique<Window>(use->limit.window_seconds);
    counted->advance(now_us);
    counted->add(items);
  }
  return std::nullopt;
}

void LimitBook::drop_expired(std::int64_t now_us) {
  std::erase_if(windows_, [&](auto& named) {
    named.second->advance(now_us);
    return named.second->empty();
  });
}

void LimitBook::expire(std::int64_t now_us) {
  std::lock_guard lock(mutex_);
  drop_expired(now_us);
}

std::size_t LimitBook::size() const {
  std::lock_guard lock(mutex_);
  return windows_.size();
}

}  // namespace nae::policy
