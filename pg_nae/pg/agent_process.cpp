#include "pg_nae/pg/agent_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace nae::pg {
namespace {

constexpr int kCannotExecute = 126;

// PostgreSQL's data files are not all marked close-on-exec before 16. Kernels before 5.9 and strict
// seccomp profiles lack close_range.
void close_all_but_standard() {
  if (::close_range(STDERR_FILENO + 1, ~0u, 0) == 0) return;
  constexpr long kHighestToTry = 65'536;  // far above max_files_per_process
  long count = std::min(::sysconf(_SC_OPEN_MAX), kHighestToTry);
  for (int fd = STDERR_FILENO + 1; fd < count; ++fd) ::close(fd);
}

// Runs in the child; nothing but system calls, and never PostgreSQL's exit handlers.
[[noreturn]] void become_agent(const AgentCommand& command, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(0);  // it ended before it could be watched
  // exec resets handlers, but keeps what the postmaster ignores.
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  close_all_but_standard();
  const char* arguments[] = {command.program, "--config",     command.config,
                             "--socket",      command.socket, nullptr};
  ::execv(command.program, const_cast<char* const*>(arguments));
  ::_exit(kCannotExecute);
}

}  // namespace

pid_t start_agent(const AgentCommand& command) {
  // Checked here, where it can be reported.
  if (::access(command.program, X_OK) != 0) return -1;
  pid_t parent = ::getpid();
  // Between fork and exec a signal must not run PostgreSQL's handlers in the child.
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, &before);
  pid_t child = ::fork();
  if (child == 0) become_agent(command, parent);
  int error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return child;
}

bool has_ended(pid_t process, int& status) {
  pid_t ended;
  do {
    ended = ::waitpid(process, &status, WNOHANG);
  } while (ended < 0 && errno == EINTR);
  return ended != 0;
}

}  // namespace nae::pg
