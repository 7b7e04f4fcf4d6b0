#include "keyserver/policy/limit.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "keyserver/policy/limit_window.hpp"

namespace nae::policy {
namespace {

// So many are forgotten at once: looking through all of them for one would hold everybody up.
constexpr std::size_t kForgottenAtOnce = kMaxLimitCounters / 16;

}  // namespace

struct LimitBook::Counted {
  LimitWindow window;
  std::string device;
  bool invented = false;  // a login role stands in its name
  std::int64_t used_us = 0;
  bool changed = false;  // since the store was told
};

LimitBook::LimitBook() = default;
LimitBook::~LimitBook() = default;

LimitBook::Counted* LimitBook::find(const LimitUse& use) const {
  auto found = counted_.find(use.counter);
  return found == counted_.end() ? nullptr : found->second.get();
}

// For the counters of `charges` that are new. Those that exist are in use.
void LimitBook::make_room(std::span<const LimitCharge> charges, std::int64_t now_us) {
  std::size_t added = 0;
  for (const LimitCharge& charge : charges) {
    if (Counted* counted = find(*charge.use))
      counted->used_us = now_us + 1;  // the last to be forgotten
    else
      ++added;
  }
  if (counted_.size() + added <= kMaxLimitCounters) return;
  drop_expired(now_us);
  while (!counted_.empty() && counted_.size() + added > kMaxLimitCounters) forget_oldest();
}

// Of the names that askers may have made up, those of the device that has the most: who invents
// names takes his own room, neither another host's nor that of a count that all share.
void LimitBook::forget_oldest() {
  std::map<std::pair<bool, std::string_view>, std::size_t> sizes;
  for (const auto& [name, counted] : counted_) ++sizes[{counted->invented, counted->device}];
  const auto most = std::ranges::max_element(
      sizes, {}, [](const auto& one) { return std::pair(one.first.first, one.second); });
  const bool invented = most->first.first;
  const std::string device(most->first.second);
  const auto may_go = [&](const Counted& counted) {
    return counted.invented == invented && counted.device == device;
  };
  std::vector<std::int64_t> uses;
  for (const auto& [name, counted] : counted_)
    if (may_go(*counted)) uses.push_back(counted->used_us);
  const auto last =
      uses.begin() + static_cast<std::ptrdiff_t>(std::min(kForgottenAtOnce, uses.size()) - 1);
  std::ranges::nth_element(uses, last);
  const std::int64_t newest_forgotten = *last;
  std::size_t left = kForgottenAtOnce;
  for (auto each = counted_.begin(); each != counted_.end() && left != 0;) {
    const Counted& counted = *each->second;
    if (!may_go(counted) || counted.used_us > newest_forgotten) {
      ++each;
      continue;
    }
    each = counted_.erase(each);
    --left;
  }
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
  std::optional<LimitBroken> broken;
  for (const auto& [named, items] : charges) {
    const LimitUse& use = *named;
    Counted* counted = find(use);
    if (counted != nullptr) counted->window.advance(now_us);
    if (counted != nullptr ? counted->window.has_room(items, use.limit.items)
                           : items <= use.limit.items)
      continue;
    std::uint32_t wait_ms = items > use.limit.items
                                ? 0
                                : counted->window.retry_after_ms(items, use.limit.items, now_us);
    bool holds_longer = !broken || wait_ms == 0 ||
                        (broken->retry_after_ms != 0 && wait_ms > broken->retry_after_ms);
    if (holds_longer) broken = LimitBroken{use.rule, use.limit, wait_ms};
  }
  if (broken) return broken;

  make_room(charges, now_us);
  for (const auto& [use, items] : charges) {
    std::unique_ptr<Counted>& counted = counted_[use->counter];
    if (!counted)
      counted =
          std::make_unique<Counted>(Counted{LimitWindow(use->limit.window_seconds), use->device,
                                            use->limit.per == LimitPer::login, now_us});
    counted->window.advance(now_us);
    counted->window.add(items);
    counted->changed = true;
  }
  return std::nullopt;
}

void LimitBook::drop_expired(std::int64_t now_us) {
  std::erase_if(counted_, [&](auto& named) {
    named.second->window.advance(now_us);
    return named.second->window.empty();
  });
}

void LimitBook::expire(std::int64_t now_us) {
  std::lock_guard lock(mutex_);
  drop_expired(now_us);
}

std::size_t LimitBook::size() const {
  std::lock_guard lock(mutex_);
  return counted_.size();
}

std::vector<LimitCount> LimitBook::take_changed() {
  std::lock_guard lock(mutex_);
  std::vector<LimitCount> changed;
  for (auto& [name, counted] : counted_) {
    if (!std::exchange(counted->changed, false)) continue;
    const LimitWindow& window = counted->window;
    if (window.seconds() >= kKeptWindowSeconds)
      changed.push_back({name, counted->device, counted->invented, window.seconds(),
                         window.encode(), window.expires_at_us()});
  }
  return changed;
}

void LimitBook::give_back(std::span<const LimitCount> counts) {
  std::lock_guard lock(mutex_);
  for (const LimitCount& count : counts)
    if (auto found = counted_.find(count.counter); found != counted_.end())
      found->second->changed = true;
}

Result<void> LimitBook::restore(std::span<const LimitCount> counts, std::int64_t now_us) {
  std::lock_guard lock(mutex_);
  for (const LimitCount& count : counts) {
    NAE_ASSIGN(LimitWindow window, LimitWindow::decode(count.window_seconds, count.window));
    const std::int64_t used_us =
        window.expires_at_us() - std::int64_t{window.seconds()} * 1'000'000;
    window.advance(now_us);
    if (window.empty() || counted_.size() >= kMaxLimitCounters) continue;
    counted_[count.counter] =
        std::make_unique<Counted>(Counted{window, count.device, count.invented, used_us});
  }
  return {};
}

}  // namespace nae::policy
