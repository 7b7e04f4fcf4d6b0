// Who asks: what TLS, the agent and the database said about one context.
#pragma once

#include <string>
#include <vector>

#include "libnae/base/bytes.hpp"

namespace nae::policy {

// An empty device, program, database or effective role means "could not be determined", which
// policy always denies.
struct Subject {
  std::string device;    // from the TLS client certificate
  std::string program;   // attested by the agent
  std::string database;  // this and the following: claimed by the attested program
  std::string effective_role;
  std::string session_role;
  std::string login_role;
  std::vector<std::string> memberships;  // sorted; transitive; the effective role itself excluded
  std::string executable;                // attested path; empty when the agent could not read it
  Bytes executable_sha256;               // 32 bytes; empty when the agent could not read it
};

}  // namespace nae::policy
