// OpenContext: on whose behalf the following requests come. The backend claims database and
// roles and passes on the end user's token; the agent adds what it attested about the program; TLS
// proves the device.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::wire {

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

struct OpenContext {
  std::uint32_t context = 0;  // number that requests on this connection quote; chosen by the asker
  RoleClaims role;
  // A JSON Web Token that proves the end user, as the session gave it; empty: none. Whoever holds
  // it is that user: a secret, wiped with its memory, in no log and no message.
  Bytes user_token;
  std::optional<ProgramAttestation> program;  // absent on the Unix socket, present to the server
};

void append_open_context(Bytes& out, std::uint64_t request_id, const OpenContext& open);
Result<OpenContext> parse_open_context(ByteView body);

// Answer to OpenContext; also the body of CloseContext, which has no answer.
void append_context_opened(Bytes& out, std::uint64_t request_id, std::uint32_t context);
void append_close_context(Bytes& out, std::uint32_t context);
Result<std::uint32_t> parse_context_number(ByteView body);

}  // namespace nae::wire
