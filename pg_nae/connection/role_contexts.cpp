#include "pg_nae/connection/role_contexts.hpp"

#include <algorithm>

namespace nae::backend {
namespace {

bool same_role(const RoleKey& a, const RoleKey& b) {
  return a.effective == b.effective && a.session == b.session && a.login == b.login;
}

}  // namespace

std::uint32_t RoleContexts::find(const RoleKey& key) const {
  for (const Entry& entry : entries_)
    if (same_role(entry.key, key) && entry.key.catalog_generation == key.catalog_generation &&
        entry.application_name == key.application_name && entry.key.user == key.user)
      return entry.number;
  return 0;
}

std::uint32_t RoleContexts::add(const RoleKey& key, std::uint32_t& closed) {
  closed = 0;
  // What the same role looked like earlier is of no more use, and a user whose token was replaced
  // is gone.
  auto stale = std::find_if(entries_.begin(), entries_.end(),
                            [&](const Entry& entry) { return same_role(entry.key, key); });
  if (stale == entries_.end() && entries_.size() >= kMaxRoleContexts) stale = entries_.begin();
  if (stale != entries_.end()) {
    closed = stale->number;
    entries_.erase(stale);
  }
  Entry& entry =
      entries_.emplace_back(Entry{key, std::string(key.application_name), next_number_++});
  entry.key.application_name = {};
  return entry.number;
}

void RoleContexts::forget(std::uint32_t number) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.number == number; });
}

}  // namespace nae::backend
