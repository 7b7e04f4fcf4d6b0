// Requests: the items of one batch, gathered by what makes a request: action, algorithm and key.
#pragma once

#include "pg_nae/batch/batchable.hpp"
#include "pg_nae/pg/arena.hpp"

namespace nae::batch {

// Whose result an item's is.
struct Cell {
  std::uint32_t row;
  std::uint32_t call;
};

struct ItemGroup {
  Action action;
  std::uint8_t algorithm;
  bool has_aad;
  bool one_aad;  // all items have the same
  std::string_view key;
  ByteView* items;
  ByteView* seconds;
  ByteView* aads;
  Cell* cells;
  std::size_t count;
  std::size_t capacity;
  ItemGroup* next;  // of the same hash

  bool has_seconds() const { return action == Action::verify || action == Action::mac_verify; }
};

// Lives in an arena, as do the views it is given.
class Requests {
 public:
  // Forgets all; `rows` is how many items a call may have.
  void begin(pg::Arena& arena, std::size_t rows);
  void add(Action action, const Item& item, Cell cell);

  std::size_t count() const { return count_; }
  const ItemGroup& group(std::size_t number) const { return *groups_[number]; }
  // For the wire; memory of the arena.
  std::span<const wire::CryptoRequest> requests() const;

 private:
  static constexpr std::size_t kBuckets = 64;

  ItemGroup& group_for(Action action, const Item& item);
  ItemGroup& add_group(Action action, const Item& item, ItemGroup*& bucket);
  void grow(ItemGroup& group);

  pg::Arena* arena_;
  std::size_t rows_;
  ItemGroup* last_;
  ItemGroup** groups_;
  std::size_t count_;
  std::size_t capacity_;
  ItemGroup* buckets_[kBuckets];
};

}  // namespace nae::batch
