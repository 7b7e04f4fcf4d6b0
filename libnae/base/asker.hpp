// Who asks: the process, as the agent of its host attests it, and the session, as its database
// claims it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libnae/base/bytes.hpp"

namespace nae {

// The agent's statement about the process behind the Unix socket.
struct ProgramAttestation {
  std::string name;          // from the agent's program table
  std::uint32_t uid = 0;     // SO_PEERCRED
  std::string executable;    // /proc/PID/exe; empty when not readable
  Bytes executable_sha256;   // 32 bytes, or empty when not readable
  std::string systemd_unit;  // from /proc/PID/cgroup; empty outside systemd
  friend bool operator==(const ProgramAttestation&, const ProgramAttestation&) = default;
};

// The database's statement about the session, as PostgreSQL knows it at execution.
struct RoleClaims {
  std::string database;
  std::string effective_role;            // GetUserId(): who permissions are checked for
  std::string session_role;              // SET SESSION AUTHORIZATION
  std::string login_role;                // who authenticated
  std::vector<std::string> memberships;  // transitive closure of effective_role, itself excluded
  std::string application_name;          // claimed by the client: for the audit, never for policy
  std::string client_address;            // "" for a local socket
  friend bool operator==(const RoleClaims&, const RoleClaims&) = default;
};

}  // namespace nae
