#include "agent/attestation.hpp"

#include <algorithm>

#include "libnae/base/text.hpp"

namespace nae::agent {
namespace {

// By its content where digests are given; that holds in any mounts. A path alone holds in ours.
bool is_the_file(const Program& program, const Executable& executable) {
  if (program.sha256.empty()) return executable.same_file_here;
  return std::any_of(program.sha256.begin(), program.sha256.end(), [&](const Bytes& allowed) {
    return std::equal(allowed.begin(), allowed.end(), executable.sha256.begin(),
                      executable.sha256.end());
  });
}

bool matches(const Program& program, const PeerProcess& peer) {
  if (program.uid != peer.uid) return false;
  if (!program.systemd_unit.empty() && program.systemd_unit != peer.systemd_unit) return false;
  if (!peer.executable) return !program.systemd_unit.empty() && program.sha256.empty();
  return program.executable == peer.executable->path && is_the_file(program, *peer.executable);
}

std::string unit_text(const std::string& unit) {
  return unit.empty() ? "no systemd unit" : "systemd unit '" + unit + "'";
}

// The program that this one would be in another unit.
const Program* in_another_unit(const std::vector<Program>& programs, const PeerProcess& peer) {
  for (const Program& program : programs) {
    if (program.systemd_unit.empty() || program.systemd_unit == peer.systemd_unit) continue;
    PeerProcess moved = peer;
    moved.systemd_unit = program.systemd_unit;
    if (matches(program, moved)) return &program;
  }
  return nullptr;
}

Error unknown(const std::vector<Program>& programs, const PeerProcess& peer) {
  if (const Program* meant = in_another_unit(programs, peer))
    return Error(Code::program_unknown,
                 "program \"" + meant->name + "\" is expected in systemd unit '" +
                     meant->systemd_unit + "', and this process of uid " +
                     std::to_string(peer.uid) + " is in " + unit_text(peer.systemd_unit),
                 "Correct systemd_unit of that program in the agent's configuration, or start the "
                 "process in that unit.");
  std::string uid = " of uid " + std::to_string(peer.uid);
  if (!peer.executable)
    return Error(Code::program_unknown,
                 "a process" + uid + " whose executable may not be read, in systemd unit '" +
                     peer.systemd_unit + "', is no program of the agent's table",
                 "Give nae-agent CAP_SYS_PTRACE, or name the systemd unit in the program table.");
  const std::string digest = to_hex(peer.executable->sha256);
  if (!peer.executable->same_file_here)
    return Error(Code::program_unknown,
                 peer.executable->path + uid + " with SHA-256 " + digest +
                     ", which is another file than this path names for the agent, is no program "
                     "of the agent's table",
                 "If it runs in a container of its own, give its sha256 in the program table.");
  return Error(Code::program_unknown, peer.executable->path + uid + " with SHA-256 " + digest +
                                          " is no program of the agent's table");
}

}  // namespace

Result<AttestedProgram> attest(const std::vector<Program>& programs, const PeerProcess& peer) {
  auto found = std::find_if(programs.begin(), programs.end(),
                            [&](const Program& program) { return matches(program, peer); });
  if (found == programs.end()) return fail(unknown(programs, peer));
  AttestedProgram attested;
  attested.name = found->name;
  attested.unix_role = found->unix_role;
  attested.seen = peer;
  attested.uid = peer.uid;
  attested.systemd_unit = peer.systemd_unit;
  if (peer.executable) {
    attested.executable = peer.executable->path;
    attested.executable_sha256.assign(peer.executable->sha256.begin(),
                                      peer.executable->sha256.end());
  }
  return attested;
}

}  // namespace nae::agent
