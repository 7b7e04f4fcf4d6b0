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

// "unix:www-data" of that name, which is not looked up.
std::string unix_role_of(std::string_view user);
// The same of the user's name, or "unix:#1234" for a user without one here. Asks the system's user
// database, which may be a network away: for the start and SIGHUP, not for each peer.
// Code::config_invalid when the database does not answer: nobody knows then whether there is a
// name.
Result<std::string> unix_role_of(uid_t uid);
// What getpwuid_r(3) answered, for unix_role_of(): `error` is its return value.
Result<std::string> unix_role_by(uid_t uid, int error, const char* name);

// What leaves for the key server in the place of `claimed`. With a `unix_role` nothing of what the
// program said counts but its application name, which is for the audit alone; without one the
// claims stand. Code::role_undetermined when they take a name of the first kind.
Result<RoleClaims> settled_claims(RoleClaims claimed, const std::string& unix_role);

}  // namespace nae::agent
