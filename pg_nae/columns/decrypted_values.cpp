#include "pg_nae/columns/decrypted_values.hpp"

#include <algorithm>

#include "pg_nae/pg/error_scope.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::columns {
namespace {

constexpr std::size_t kFirstSlots = 256;
// Enough of a ciphertext to tell it from others: its end, which is a tag or encrypted.
constexpr std::size_t kHashedBytes = 32;

DecryptedValues* every_one = nullptr;
// Left by longjmp it names memory that is gone, and is compared with others alone.
MemoryContext query_memory = nullptr;

// Of each generation: work_mem.
std::size_t max_bytes() {
  return static_cast<std::size_t>(work_mem) * 1024;
}

ByteView copy_of(ByteView bytes, pg::Arena& arena) {
  auto* copy = reinterpret_cast<Byte*>(arena.allocate(bytes.size()));
  std::copy(bytes.begin(), bytes.end(), copy);
  return {copy, bytes.size()};
}

}  // namespace

void ValueTable::create(MemoryContext context, pg::Arena& arena) {
  context_ = context;
  arena_ = &arena;
  slots_ = nullptr;
  capacity_ = count_ = 0;
}

std::uint32_t ValueTable::hash_of(ByteView key) {
  ByteView end = key.last(std::min(key.size(), kHashedBytes));
  return hash_bytes(end.data(), static_cast<int>(end.size()));
}

ValueTable::Entry* ValueTable::find(std::uint32_t hash, ByteView key) const {
  if (count_ == 0) return nullptr;
  for (std::size_t at = hash;; ++at) {
    Entry* entry = slots_[at & (capacity_ - 1)];
    if (entry == nullptr) return nullptr;
    if (entry->hash == hash && std::ranges::equal(entry->key, key)) return entry;
  }
}

void ValueTable::grow() {
  std::size_t capacity = capacity_ == 0 ? kFirstSlots : capacity_ * 2;
  auto** slots = static_cast<Entry**>(MemoryContextAllocExtended(
      context_, sizeof(Entry*) * capacity, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
  for (std::size_t i = 0; i < capacity_; ++i) {
    if (slots_[i] == nullptr) continue;
    std::size_t at = slots_[i]->hash;
    while (slots[at & (capacity - 1)] != nullptr) ++at;
    slots[at & (capacity - 1)] = slots_[i];
  }
  if (slots_ != nullptr) pfree(slots_);
  slots_ = slots;
  capacity_ = capacity;
}

ValueTable::Entry& ValueTable::add(std::uint32_t hash, ByteView key) {
  if ((count_ + 1) * 2 > capacity_) grow();
  auto* entry = arena_->allocate_array<Entry>(1);
  *entry = {hash, key, {}, 0, nullptr};
  std::size_t at = hash;
  while (slots_[at & (capacity_ - 1)] != nullptr) ++at;
  slots_[at & (capacity_ - 1)] = entry;
  ++count_;
  return *entry;
}

void ValueTable::clear() {
  if (count_ != 0) std::fill_n(slots_, capacity_, nullptr);
  count_ = 0;
}

DecryptedValues* DecryptedValues::of(MemoryContext query) {
  if (!pg::settings.batch) return nullptr;
  for (DecryptedValues* one = every_one; one != nullptr; one = one->next_)
    if (one->query_ == query) return one;
  if (query != query_memory || query == nullptr) return nullptr;
  auto* values =
      static_cast<DecryptedValues*>(MemoryContextAllocZero(query, sizeof(DecryptedValues)));
  values->create(query);
  return values;
}

void DecryptedValues::create(MemoryContext query) {
  query_ = query;
  MemoryContext before = MemoryContextSwitchTo(query);
  for (Generation& generation : generations_) {
    generation.arena.create();
    generation.table.create(query, generation.arena);
  }
  MemoryContextSwitchTo(before);
  next_ = every_one;
  every_one = this;
  at_end_.func = [](void* self) {
    for (DecryptedValues** at = &every_one; *at != nullptr; at = &(*at)->next_) {
      if (*at != self) continue;
      *at = (*at)->next_;
      return;
    }
  };
  at_end_.arg = this;
  MemoryContextRegisterResetCallback(query, &at_end_);
}

void DecryptedValues::forget() {
  for (Generation& generation : generations_) generation.reset();
  standing_ = {};
  began_ms_ = pg::monotonic_ms();
  ++serial_;
}

void DecryptedValues::ask_as(const pg::StatementRoles& roles) {
  pg::refuse_restricted_operation();
  const backend::RoleKey key = pg::role_key_of(roles);
  pg::hear_news();
  const pg::Standing standing = pg::standing_of(key);
  roles_ = roles;
  if (standing_.is_known() && standing_ == standing && pg::monotonic_ms() - began_ms_ < kMostAgeMs)
    return;
  forget();
  standing_ = standing;
}

void DecryptedValues::Generation::reset() {
  arena.reset();
  table.clear();
  last = nullptr;
}

// A sub-select and the inner side of a loop read their values in the same order each time.
ValueTable::Entry* DecryptedValues::Generation::find_next(ByteView stored) {
  ValueTable::Entry* next = last == nullptr ? nullptr : last->follower;
  return next == nullptr || !std::ranges::equal(next->key, stored) ? nullptr : last = next;
}

ValueTable::Entry* DecryptedValues::Generation::find(std::uint32_t hash, ByteView stored) {
  ValueTable::Entry* found = table.find(hash, stored);
  if (found == nullptr) return nullptr;
  if (last != nullptr) last->follower = found;
  return last = found;
}

const DecryptedValue* DecryptedValues::look_up(ByteView stored) {
  Generation &newer = generations_[newer_], &older = generations_[1 - newer_];
  const ValueTable::Entry* entry = newer.find_next(stored);
  if (entry == nullptr) {
    const std::uint32_t hash = ValueTable::hash_of(stored);
    entry = newer.find(hash, stored);
    if (entry == nullptr) {
      entry = older.find(hash, stored);
      if (entry == nullptr) return nullptr;
      // What is still used outlives the older ones.
      if (newer.arena.used_bytes() < max_bytes()) keep_in(newer, hash, stored, entry->value);
    }
  }
  pg::note_decryption();
  return &entry->value;
}

bool DecryptedValues::find(ByteView stored, DecryptedValue& value) {
  const DecryptedValue* found = look_up(stored);
  if (found != nullptr) value = *found;
  return found != nullptr;
}

bool DecryptedValues::find_read(ByteView stored, const ReadAs& read_as, DecryptedValue& value) {
  if (!holds_any()) return false;
  const DecryptedValue* found = look_up(stored);
  if (found == nullptr || !found->read_as.is_same(read_as)) return false;
  value = *found;
  return true;
}

void DecryptedValues::keep_in(Generation& generation, std::uint32_t hash, ByteView stored,
                              const DecryptedValue& value) {
  ByteView key = copy_of(stored, generation.arena);
  ByteView bytes = copy_of(value.bytes, generation.arena);
  DecryptedValue& kept = generation.table.add(hash, key).value;
  kept = value;
  kept.bytes = bytes;
}

std::size_t DecryptedValues::max_value_bytes() const {
  return max_bytes() / 16;
}

void DecryptedValues::keep(ByteView stored, const DecryptedValue& value) {
  if (stored.size() > max_value_bytes()) return;
  const std::uint32_t hash = ValueTable::hash_of(stored);
  const pg::Standing standing = pg::standing_of(pg::role_key_of(roles_));
  if (!standing_.is_known()) standing_ = standing;
  if (standing_ != standing) return;
  Generation* newer = &generations_[newer_];
  if (newer->arena.used_bytes() >= max_bytes()) {
    newer_ = 1 - newer_;
    newer = &generations_[newer_];
    newer->reset();
  }
  if (newer->table.find(hash, stored) == nullptr) keep_in(*newer, hash, stored, value);
}

MemoryContext running_query() {
  return query_memory;
}

void set_running_query(MemoryContext query) {
  query_memory = query;
}

}  // namespace nae::columns
