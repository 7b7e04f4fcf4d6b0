#include "agent/peer_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "libnae/base/bytes.hpp"
#include "libnae/base/descriptor_limit.hpp"
#include "net/descriptor.hpp"

namespace nae::agent {
namespace {

using net::Descriptor;

#ifndef SO_PEERPIDFD
constexpr int SO_PEERPIDFD = 77;  // Linux 6.5
#endif

constexpr std::size_t kMaxDigests = 64;
constexpr off_t kMaxExecutableBytes = off_t{1} << 30;
constexpr std::string_view kDeleted = " (deleted)";
constexpr std::string_view kService = ".service";
constexpr std::string_view kSlice = ".slice";

std::string proc(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Field 22 of /proc/PID/stat (proc(5)); the command before it may hold spaces and parentheses.
std::string start_time_of(pid_t pid) {
  std::string text = read_text(proc(pid, "stat"));
  std::size_t after_command = text.rfind(')');
  if (after_command == std::string::npos) return {};
  std::istringstream fields(text.substr(after_command + 1));
  std::string field;
  constexpr int kStartTimeAfterCommand = 20;
  for (int i = 0; i < kStartTimeAfterCommand; ++i) fields >> field;
  return field;
}

// Proves that one process had the id from before the first look to after the last.
class PidGuard {
 public:
  PidGuard(int socket_descriptor, pid_t pid)
      : pid_(pid),
        pidfd_(peer_pidfd(socket_descriptor)),
        start_time_(pidfd_.get() >= 0 ? std::string() : start_time_of(pid)) {}

  bool still_the_same() const {
    if (pidfd_.get() >= 0) {
      pollfd exited{pidfd_.get(), POLLIN, 0};
      return ::poll(&exited, 1, 0) == 0;
    }
    return !start_time_.empty() && start_time_of(pid_) == start_time_;
  }

 private:
  static int peer_pidfd(int socket_descriptor) {
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    return ::getsockopt(socket_descriptor, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0 ? pidfd
                                                                                         : -1;
  }

  pid_t pid_;
  Descriptor pidfd_;
  std::string start_time_;  // where the kernel gives no pidfd
};

// The rest of the first line that starts like that, behind a number where one stands.
std::string_view line_of(std::string_view text, std::string_view start) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string_view named = line.substr(std::min(line.find(':'), line.size()));
    if (line.starts_with(start) || named.starts_with(start))
      return line.substr(line.find(start) + start.size());
  }
  return {};
}

// The path in the hierarchy that systemd keeps: the unified one or, where that is not in use, one
// of its own of version 1.
std::string_view cgroup_path_of(std::string_view text) {
  const std::string_view unified = line_of(text, "0::");
  return unified.size() > 1 ? unified : line_of(text, ":name=systemd:");
}

}  // namespace

std::string systemd_unit_of(std::string_view cgroup_text) {
  std::string_view path = cgroup_path_of(cgroup_text);
  // Below slices alone stands what the system's manager started.
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    if (part.size() > kService.size() && part.ends_with(kService)) return std::string(part);
    if (!part.ends_with(kSlice)) break;
  }
  return {};
}

Result<crypto::Sha256Digest> ProcessInspector::digest_of(int descriptor,
                                                         const struct stat& status) {
  auto ns = [](const timespec& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  FileKey key{status.st_dev, status.st_ino, status.st_size, ns(status.st_mtim), ns(status.st_ctim)};
  if (auto found = digests_.find(key); found != digests_.end()) return found->second;
  if (status.st_size > kMaxExecutableBytes)
    return fail(Code::program_unknown, "the executable is too large to be examined");
  // Read, not mapped: a file that shrinks under a mapping would kill this process.
  Bytes content(static_cast<std::size_t>(status.st_size));
  for (std::size_t at = 0; at < content.size();) {
    ssize_t got = ::read(descriptor, content.data() + at, content.size() - at);
    if (got <= 0) return fail(Code::program_unknown, "the executable changed while it was read");
    at += static_cast<std::size_t>(got);
  }
  if (digests_.size() >= kMaxDigests) digests_.clear();
  return digests_.emplace(key, crypto::sha256(content)).first->second;
}

void ProcessInspector::learn(const std::string& executable) {
  Descriptor file(::open(executable.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  (void)digest_of(file.get(), status);
}

Result<std::optional<Executable>> ProcessInspector::executable_of(pid_t pid) {
  std::string link = proc(pid, "exe");
  char target[4096];
  ssize_t size = ::readlink(link.c_str(), target, sizeof target);
  if (size < 0 && (errno == EACCES || errno == EPERM)) return std::optional<Executable>{};
  if (size <= 0 || size == sizeof target)
    return fail(Code::program_unknown, "process " + std::to_string(pid) + " ended");
  Executable executable;
  executable.path.assign(target, static_cast<std::size_t>(size));
  Descriptor file(::open(link.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 && lacks_descriptors(errno))
    return fail(Code::overloaded, "nae-agent cannot look at its clients: " + exhausted_text(errno),
                "Raise LimitNOFILE= of nae-agent's unit, or lower limits.max_clients.");
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
    return fail(Code::program_unknown,
                executable.path + " cannot be read: " + std::strerror(errno));
  // The path no longer says what runs.
  if (status.st_nlink == 0 || executable.path.ends_with(kDeleted))
    return fail(Code::program_unknown, executable.path + " was deleted or replaced while it runs",
                "Restart the program so that it runs the file that is installed now.");
  struct stat here {};
  executable.same_file_here = ::stat(executable.path.c_str(), &here) == 0 &&
                              here.st_dev == status.st_dev && here.st_ino == status.st_ino;
  NAE_ASSIGN(executable.sha256, digest_of(file.get(), status));
  return std::optional<Executable>(std::move(executable));
}

Result<PeerProcess> ProcessInspector::inspect(int socket_descriptor) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket_descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 ||
      credentials.pid <= 0)
    return fail(Code::program_unknown, "the peer's process is not visible from here",
                "The agent and its clients must share a PID namespace.");
  PidGuard guard(socket_descriptor, credentials.pid);
  PeerProcess peer;
  peer.pid = credentials.pid;
  peer.uid = credentials.uid;
  NAE_ASSIGN(peer.executable, executable_of(peer.pid));
  peer.systemd_unit = systemd_unit_of(read_text(proc(peer.pid, "cgroup")));
  if (!guard.still_the_same())
    return fail(Code::program_unknown, "process " + std::to_string(peer.pid) + " ended");
  return peer;
}

}  // namespace nae::agent
