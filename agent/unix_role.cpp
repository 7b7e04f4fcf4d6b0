#include "agent/unix_role.hpp"

#include <pwd.h>

#include <algorithm>

namespace nae::agent {
namespace {

bool is_taken(std::string_view name) {
  return name.starts_with(kUnixRoleMark);
}

bool takes_a_unix_name(const RoleClaims& claimed) {
  return is_taken(claimed.database) || is_taken(claimed.effective_role) ||
         is_taken(claimed.session_role) || is_taken(claimed.login_role) ||
         std::ranges::any_of(claimed.memberships, is_taken);
}

}  // namespace

std::string unix_role_of(uid_t uid) {
  const passwd* user = ::getpwuid(uid);
  // A name cannot begin with '#' (useradd(8)), so that no user is called like another's number.
  return std::string(kUnixRoleMark) + (user ? user->pw_name : "#" + std::to_string(uid));
}

Result<RoleClaims> settled_claims(RoleClaims claimed, const std::string& unix_role) {
  if (!unix_role.empty()) {
    RoleClaims seen;
    seen.database = kUnixDatabase;
    seen.effective_role = seen.session_role = seen.login_role = unix_role;
    seen.application_name = std::move(claimed.application_name);
    return seen;
  }
  if (takes_a_unix_name(claimed))
    return fail(Code::role_undetermined,
                "a database, role or membership whose name begins with 'unix:' was claimed; such "
                "names are those of Unix users",
                "Rename the role or database, or take away the membership.");
  return claimed;
}

}  // namespace nae::agent
