// PeerProcess: what the kernel says about the process behind a Unix socket.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "libnae/base/result.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::agent {

struct Executable {
  std::string path;  // as /proc/PID/exe names it
  crypto::Sha256Digest sha256{};
  // Whether the path names the same file among the agent's own mounts. If not, the path says
  // nothing: whoever has mounts of his own has any file there. Containers have such mounts.
  bool same_file_here = false;
};

struct PeerProcess {
  pid_t pid = 0;
  uid_t uid = 0;
  // Absent when it may not be read: another user's process, and this one lacks CAP_SYS_PTRACE.
  std::optional<Executable> executable;
  std::string systemd_unit;  // "postgresql@15-main.service"; empty outside one of the system
};

// "postgresql@15-main.service" out of the text of /proc/PID/cgroup: the service of the system's own
// manager, which only root can start there. What stands below it a user can name at will: units of
// the user's own manager, and groups of a service that was delegated to it.
std::string systemd_unit_of(std::string_view cgroup_text);

// Looks at peers and remembers the digests of the files it has read.
class ProcessInspector {
 public:
  // Code::program_unknown when the process ended meanwhile, its id was given to another process, or
  // its executable was replaced on disk. Attestation tells programs of different users and paths
  // apart, it does not protect a user from that same user.
  Result<PeerProcess> inspect(int socket_descriptor);
  // Reads a file ahead of the first peer that runs it: tens of milliseconds in which the event loop
  // would serve nobody. Failures show when a peer comes.
  void learn(const std::string& executable);

 private:
  // Device, inode, size, and both change times: a file that keeps all five is the same file.
  using FileKey = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;
  Result<std::optional<Executable>> executable_of(pid_t pid);
  Result<crypto::Sha256Digest> digest_of(int descriptor, const struct stat& status);

  std::map<FileKey, crypto::Sha256Digest> digests_;
};

}  // namespace nae::agent
