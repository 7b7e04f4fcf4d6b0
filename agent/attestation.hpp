// Attestation: which program of the table a peer is, as the agent will state it to the key server.
#pragma once

#include <vector>

#include "agent/config.hpp"
#include "agent/peer_process.hpp"
#include "libnae/base/result.hpp"
#include "libnae/wire/context.hpp"

namespace nae::agent {

struct AttestedProgram : ProgramAttestation {
  std::string unix_role;  // Program::unix_role
  PeerProcess seen;       // what it was attested by
  friend bool operator==(const AttestedProgram& a, const AttestedProgram& b) {
    return static_cast<const ProgramAttestation&>(a) == b && a.unix_role == b.unix_role;
  }
};

// Code::program_unknown names what the peer is, so that the administrator can add or fix its entry.
// A peer whose executable cannot be read is matched by uid and systemd unit, and then only by
// entries that name a unit and no digests.
Result<AttestedProgram> attest(const std::vector<Program>& programs, const PeerProcess& peer);

}  // namespace nae::agent
