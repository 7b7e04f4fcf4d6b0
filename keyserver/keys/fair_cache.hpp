// FairCache: values by name, bounded in number and age, fairly shared among parties: a party that
// needs many makes room among its own.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace nae::keys {

// Not safe from several threads, but find() may run beside find(): a shared lock is enough for it.
template <class Name, class Hash, class Value>
class FairCache {
 public:
  using Clock = std::chrono::steady_clock;
  struct Found {
    const Value& value;
    const std::string& party;  // that it was made for first
    Clock::time_point born;
  };

  // 0: holds nothing.
  FairCache(std::size_t capacity, Clock::duration max_age)
      : capacity_(capacity), max_age_(max_age) {}
  FairCache(const FairCache&) = delete;
  FairCache& operator=(const FairCache&) = delete;

  // What is there and younger than max_age; it is marked as used. Good until the next change.
  std::optional<Found> find(const Name& name, Clock::time_point now) const {
    const auto found = entries_.find(name);
    if (found == entries_.end() || now - found->second.born >= max_age_) return std::nullopt;
    const Entry& entry = found->second;
    entry.used.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    return Found{entry.value, entry.party->first, entry.born};
  }

  // In place of what has the name. Room is made by one value of the party that has most: the one
  // that was not used for longest, or nearly so.
  void insert(const Name& name, std::string_view party, Value value, Clock::time_point born,
              Clock::time_point now) {
    if (capacity_ == 0) return;
    if (const auto old = entries_.find(name); old != entries_.end()) erase(old);
    if (entries_.size() >= capacity_) evict_one();
    auto owner = parties_.find(party);
    if (owner == parties_.end()) owner = parties_.try_emplace(std::string(party)).first;
    Queue place{nullptr};  // first what may fail
    const auto made = entries_.try_emplace(name).first;
    Entry& entry = made->second;
    entry.value = std::move(value);
    entry.born = born;
    entry.party = &*owner;
    entry.queued = now.time_since_epoch().count();
    entry.used.store(entry.queued, std::memory_order_relaxed);
    entry.place = place.begin();
    *entry.place = &*made;
    owner->second.splice(owner->second.end(), place);
  }

  // `gone(name, born)`.
  template <class Predicate>
  void erase_if(Predicate gone) {
    for (auto entry = entries_.begin(); entry != entries_.end();)
      entry = gone(entry->first, entry->second.born) ? erase(entry) : std::next(entry);
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry;
  using Entries = std::unordered_map<Name, Entry, Hash>;
  // Of one party, those first that are to be looked at first when room is needed.
  using Queue = std::list<typename Entries::value_type*>;
  using Parties = std::map<std::string, Queue, std::less<>>;
  struct Entry {
    Value value{};
    Clock::time_point born;
    typename Parties::value_type* party = nullptr;
    Clock::rep queued = 0;  // its use when it was put at the end of the queue
    mutable std::atomic<Clock::rep> used{0};
    typename Queue::iterator place;
  };

  typename Entries::iterator erase(typename Entries::iterator entry) {
    auto* const party = entry->second.party;
    party->second.erase(entry->second.place);
    if (party->second.empty()) parties_.erase(parties_.find(party->first));
    return entries_.erase(entry);
  }

  // Second chance: who was used since it was put in line goes to the end of it. So no call looks
  // at all values but for the first after all were used.
  void evict_one() {
    const auto largest = std::ranges::max_element(
        parties_, {}, [](const auto& party) { return party.second.size(); });
    Queue& queue = largest->second;
    for (std::size_t chances = queue.size(); chances > 0; --chances) {
      Entry& first = queue.front()->second;
      const Clock::rep used = first.used.load(std::memory_order_relaxed);
      if (used <= first.queued) break;
      first.queued = used;
      queue.splice(queue.end(), queue, queue.begin());
    }
    erase(entries_.find(queue.front()->first));
  }

  std::size_t capacity_;
  Clock::duration max_age_;
  Entries entries_;
  Parties parties_;
};

}  // namespace nae::keys
