#include "keyserver/admin/admin_role.hpp"

namespace nae::admin {
namespace {

constexpr AdminRole kRoles[] = {AdminRole::key_admin, AdminRole::policy_admin, AdminRole::auditor,
                                AdminRole::operator_};

}  // namespace

std::span<const AdminRole> admin_roles() {
  return kRoles;
}

std::string_view name(AdminRole role) {
  switch (role) {
    case AdminRole::key_admin:
      return "key-admin";
    case AdminRole::policy_admin:
      return "policy-admin";
    case AdminRole::auditor:
      return "auditor";
    case AdminRole::operator_:
      return "operator";
  }
  return "unknown";
}

std::optional<AdminRole> admin_role_from_name(std::string_view wanted) {
  for (AdminRole role : kRoles)
    if (name(role) == wanted) return role;
  return std::nullopt;
}

std::string AdminRoles::text() const {
  std::string text;
  for (AdminRole role : kRoles) {
    if (!contains(role)) continue;
    if (!text.empty()) text += ", ";
    text += name(role);
  }
  return text;
}

}  // namespace nae::admin
