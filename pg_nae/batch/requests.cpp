#include "pg_nae/batch/requests.hpp"

#include <algorithm>

namespace nae::batch {
namespace {

// With so many different keys each group starts small.
constexpr std::size_t kFewGroups = 8;
constexpr std::size_t kSmallGroup = 16;

bool is_of(const ItemGroup& group, Action action, const Item& item) {
  return group.action == action && group.algorithm == item.algorithm &&
         group.has_aad == !item.aad.empty() && group.key == item.key;
}

}  // namespace

void Requests::begin(pg::Arena& arena, std::size_t rows) {
  arena_ = &arena;
  rows_ = rows;
  last_ = nullptr;
  groups_ = nullptr;
  count_ = capacity_ = 0;
  std::fill(std::begin(buckets_), std::end(buckets_), nullptr);
}

ItemGroup& Requests::add_group(Action action, const Item& item, ItemGroup*& bucket) {
  if (count_ == capacity_) {
    capacity_ = capacity_ == 0 ? kFewGroups : capacity_ * 2;
    groups_ = arena_->moved(groups_, count_, capacity_);
  }
  auto* group = arena_->allocate_array<ItemGroup>(1);
  *group = {};
  group->action = action;
  group->algorithm = item.algorithm;
  group->has_aad = !item.aad.empty();
  group->one_aad = true;
  group->key = item.key;
  group->next = bucket;
  bucket = group;
  groups_[count_++] = group;
  return *group;
}

ItemGroup& Requests::group_for(Action action, const Item& item) {
  if (last_ != nullptr && is_of(*last_, action, item)) return *last_;
  std::size_t hash = static_cast<std::size_t>(action);
  for (char c : item.key) hash = hash * 31 + static_cast<unsigned char>(c);
  ItemGroup*& bucket = buckets_[hash % kBuckets];
  for (ItemGroup* group = bucket; group != nullptr; group = group->next)
    if (is_of(*group, action, item)) return *(last_ = group);
  return *(last_ = &add_group(action, item, bucket));
}

void Requests::grow(ItemGroup& group) {
  std::size_t first = count_ <= kFewGroups ? rows_ : kSmallGroup;
  std::size_t capacity = group.capacity == 0 ? first : group.capacity * 2;
  group.items = arena_->moved(group.items, group.count, capacity);
  group.cells = arena_->moved(group.cells, group.count, capacity);
  if (group.has_seconds()) group.seconds = arena_->moved(group.seconds, group.count, capacity);
  if (group.has_aad) group.aads = arena_->moved(group.aads, group.count, capacity);
  group.capacity = capacity;
}

void Requests::add(Action action, const Item& item, Cell cell) {
  ItemGroup& group = group_for(action, item);
  if (group.count == group.capacity) grow(group);
  group.items[group.count] = item.value;
  group.cells[group.count] = cell;
  if (group.has_seconds()) group.seconds[group.count] = item.second;
  if (group.has_aad) {
    group.aads[group.count] = item.aad;
    group.one_aad = group.one_aad && item.aad.data() == group.aads[0].data() &&
                    item.aad.size() == group.aads[0].size();
  }
  ++group.count;
}

std::span<const wire::CryptoRequest> Requests::requests() const {
  auto* requests = arena_->allocate_array<wire::CryptoRequest>(count_);
  for (std::size_t i = 0; i < count_; ++i) {
    const ItemGroup& group = *groups_[i];
    wire::CryptoRequest& request = *new (&requests[i]) wire::CryptoRequest;
    request.header.action = group.action;
    request.header.algorithm = group.algorithm;
    request.header.key = group.key;
    request.header.query_id = pgstat_get_my_query_id();
    request.items = {group.items, group.count};
    if (group.has_seconds()) request.seconds = {group.seconds, group.count};
    if (group.has_aad) request.aad = {group.aads, group.one_aad ? 1 : group.count};
  }
  return {requests, count_};
}

}  // namespace nae::batch
