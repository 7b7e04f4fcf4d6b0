// RoleContexts: which roles this connection has introduced to the agent, and under what number.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "libnae/base/bytes.hpp"

namespace nae::backend {

// Tells one identity from another without a look into the catalogs. Object ids of PostgreSQL.
struct RoleKey {
  std::uint32_t effective = 0;
  std::uint32_t session = 0;
  std::uint32_t login = 0;
  std::uint64_t catalog_generation = 0;  // counts changes of roles and memberships
  std::string_view application_name;
  std::array<Byte, 32> user{};  // digest of the user's token; zeros: none
};

// A backend that goes through more identities than this forgets the oldest.
inline constexpr std::size_t kMaxRoleContexts = 64;

class RoleContexts {
 public:
  // The number of the open context of `key`, or 0.
  std::uint32_t find(const RoleKey& key) const;
  // Gives `key` a number. `closed` becomes the number of a context to close in its place, or 0.
  std::uint32_t add(const RoleKey& key, std::uint32_t& closed);
  void forget(std::uint32_t number);

 private:
  struct Entry {
    RoleKey key;
    std::string application_name;
    std::uint32_t number;
  };
  std::deque<Entry> entries_;
  std::uint32_t next_number_ = 1;
};

}  // namespace nae::backend
