// The powers of administrators. Different people hold them; no call needs more than one.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nae::admin {

enum class AdminRole : std::uint8_t {
  key_admin,     // creates, rotates, restricts and destroys keys
  policy_admin,  // decides who may use them
  auditor,       // reads everything, changes nothing
  operator_,     // enrolls devices, watches the server
};

std::string_view name(AdminRole role);  // "key-admin"
std::optional<AdminRole> admin_role_from_name(std::string_view name);
std::span<const AdminRole> admin_roles();

class AdminRoles {
 public:
  constexpr AdminRoles() = default;
  constexpr AdminRoles(std::initializer_list<AdminRole> roles) {
    for (AdminRole role : roles) insert(role);
  }
  constexpr void insert(AdminRole role) { bits_ |= 1u << static_cast<unsigned>(role); }
  constexpr bool contains(AdminRole role) const {
    return (bits_ >> static_cast<unsigned>(role) & 1u) != 0;
  }
  constexpr bool intersects(AdminRoles other) const { return (bits_ & other.bits_) != 0; }
  std::string text() const;  // "key-admin, auditor"

 private:
  unsigned bits_ = 0;
};

}  // namespace nae::admin
