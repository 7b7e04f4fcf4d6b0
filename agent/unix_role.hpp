// The role of programs that are no database. A database knows its roles and says which one asks;
// of any other program the agent says it: the Unix user that runs it.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "libnae/base/asker.hpp"
#include "libnae/base/result.hpp"

namespace nae::agent {

// Roles of this kind begin so, and no program may claim one: a database lets many people make roles
// of any name.
inline constexpr std::string_view kUnixRoleMark = "unix:";
// What stands for the database where there is none. Policy takes no empty one.
inline constexpr std::string_view kUnixDatabase = "unix:host";

// "unix:www-data", or "unix:#1234" for a user without a name here. Asks the system's user database,
// which may be a network away: for the start and SIGHUP, not for each peer.
std::string unix_role_of(uid_t uid);

// What leaves for the key server in the place of `claimed`. With a `unix_role` nothing of what the
// program said counts but its application name, which is for the audit alone; without one the
// claims stand. Code::role_undetermined when they take a name of the first kind.
Result<RoleClaims> settled_claims(RoleClaims claimed, const std::string& unix_role);

}  // namespace nae::agent
