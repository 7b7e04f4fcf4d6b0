#include "keyserver/keys/usage.hpp"

#include <algorithm>

namespace nae::keys {

VersionUsage::VersionUsage(const UsageCount& from)
    : id_(from.id),
      uses_(from.uses),
      reads_(from.reads),
      last_use_at_us_(from.last_use_at_us),
      last_read_at_us_(from.last_read_at_us),
      salts_(from.salts),
      reserve_at_(from.uses + (from.reserved_uses - from.uses) / 2),
      reserved_uses_(from.reserved_uses),
      written_uses_(from.uses) {}

UsageCount VersionUsage::now() const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  UsageCount count{id_,
                   uses_.load(),
                   0,
                   reads_.load(),
                   last_use_at_us_.load(kRelaxed),
                   last_read_at_us_.load(kRelaxed),
                   salts_.load()};
  count.reserved_uses = count.uses;
  return count;
}

void UsageBook::add_uses(const VersionUsagePointer& usage, std::uint64_t items,
                         std::int64_t now_us) {
  if (!usage || items == 0) return;
  const auto added = static_cast<std::int64_t>(items);
  const std::int64_t uses = usage->uses_.fetch_add(added) + added;
  usage->last_use_at_us_.store(now_us, std::memory_order_relaxed);
  note(usage);
  const std::int64_t reserve_at = usage->reserve_at_.load(std::memory_order_relaxed);
  if (uses >= reserve_at && uses - added < reserve_at) running_low();  // the one that crosses it
}

void UsageBook::add_reads(const VersionUsagePointer& usage, std::uint64_t items,
                          std::int64_t now_us) {
  if (!usage || items == 0) return;
  usage->reads_.fetch_add(static_cast<std::int64_t>(items));
  usage->last_read_at_us_.store(now_us, std::memory_order_relaxed);
  note(usage);
}

void UsageBook::note(const VersionUsagePointer& usage) {
  if (!is_kept_) return;
  // In one order with the counting before it and with take_changed(): what is counted after the
  // counts were read is noted again.
  if (usage->changed_.load() || usage->changed_.exchange(true)) return;
  std::lock_guard lock(lock_);
  changed_.push_back(usage);
}

std::vector<UsageCount> UsageBook::take_changed() {
  std::lock_guard lock(lock_);
  being_written_ = std::move(changed_);
  changed_.clear();
  std::vector<UsageCount> counts;
  counts.reserve(being_written_.size());
  for (const VersionUsagePointer& usage : being_written_) {
    usage->changed_ = false;  // before its counts are read: what comes later is noted again
    UsageCount count = usage->now();
    const std::int64_t ahead =
        std::max(kLeastReservedUses, 2 * (count.uses - usage->written_uses_));
    count.reserved_uses =
        count.uses >= usage->reserve_at_ ? count.uses + ahead : usage->reserved_uses_;
    counts.push_back(count);
  }
  return counts;
}

void UsageBook::written(const std::vector<UsageCount>& counts, bool successful) {
  std::vector<VersionUsagePointer> written;
  {
    std::lock_guard lock(lock_);
    written.swap(being_written_);
  }
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (!successful) {
      note(written[i]);
      continue;
    }
    written[i]->written_uses_ = counts[i].uses;
    written[i]->reserved_uses_ = counts[i].reserved_uses;
    written[i]->reserve_at_ = counts[i].uses + (counts[i].reserved_uses - counts[i].uses) / 2;
  }
}

}  // namespace nae::keys
