#include "agent/unix_role.hpp"

#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

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

std::string unix_role_of(std::string_view user) {
  return std::string(kUnixRoleMark).append(user);
}

Result<std::string> unix_role_by(uid_t uid, int error, const char* name) {
  if (error == 0 && name) return unix_role_of(std::string_view(name));
  // getpwuid_r(3): no name. That a database is down is another answer.
  if (error == 0 || error == ENOENT || error == ESRCH)
    // A name cannot begin with '#' (useradd(8)), so that no user is called like another's number.
    return unix_role_of("#" + std::to_string(uid));
  return fail(Code::config_invalid,
              "the system's user database does not say who has uid " + std::to_string(uid) + ": " +
                  std::strerror(error),
              "Write the user's name as uid, or see to the services of nsswitch.conf.");
}

Result<std::string> unix_role_of(uid_t uid) {
  passwd entry{};
  std::vector<char> space(1024);
  for (;;) {
    passwd* user = nullptr;
    const int error = ::getpwuid_r(uid, &entry, space.data(), space.size(), &user);
    if (error == EINTR) continue;
    if (error != ERANGE) return unix_role_by(uid, error, user ? user->pw_name : nullptr);
    space.resize(2 * space.size());
  }
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
