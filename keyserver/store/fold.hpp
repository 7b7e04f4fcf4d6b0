// Fold: the state that all changes of a ledger come to: for each row, the digest of its content and
// the change that left it so. What stands in the tables is compared with it.
#pragma once

#include <array>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "keyserver/store/change.hpp"

namespace nae::store {

class Fold {
 public:
  struct Entry {
    LedgerHash digest{};
    std::uint64_t epoch = 0;  // of the change
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  // What an apply() replaced, for undo().
  using Before = std::vector<std::pair<std::string, std::optional<Entry>>>;

  Before apply(const Change& change);
  void undo(Before before);

  const Entry* find(Noun noun, ByteView identity) const;  // nullptr: there is no such row
  std::size_t size() const { return entries_.size(); }
  std::size_t count(Noun noun) const { return counts_[static_cast<std::size_t>(noun)]; }
  // In no order.
  template <class Each>
  void for_each(Each each) const {
    for (const auto& [key, entry] : entries_)
      each(static_cast<Noun>(key.front()), as_bytes(key).subspan(1), entry);
  }

  // Code::store_corrupt, with the row's name, unless the row is as the last change left it; an item
  // without content asks that there is none.
  Result<void> check(const Item& item) const;

  friend bool operator==(const Fold&, const Fold&) = default;

 private:
  friend Result<struct Snapshot> parse_snapshot(ByteView bytes);
  void insert(std::string key, const Entry& entry);
  void erase(const std::string& key);
  std::unordered_map<std::string, Entry> entries_;           // noun and identity
  std::array<std::size_t, std::size(kNouns) + 1> counts_{};  // of entries_, by noun
};

// A snapshot: the fold as it was at one change. Sorted, so that it has one encoding.
struct Snapshot {
  LedgerPoint point;
  Fold fold;
};
Bytes encode_snapshot(const LedgerPoint& point, const Fold& fold);
Result<Snapshot> parse_snapshot(ByteView bytes);  // Code::store_corrupt

}  // namespace nae::store
