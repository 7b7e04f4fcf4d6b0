#include "pg_nae/pg/supervisor.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>

#include "pg_nae/pg/agent_process.hpp"
#include "pg_nae/pg/deadline.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::pg {
namespace {

constexpr int kFirstRestartMs = 100;
// What was mended is noticed within a second.
constexpr int kLongestRestartMs = 1'000;
// An agent that ran this long was healthy: its end is a new fault, not the old one again.
constexpr std::int64_t kHealthyMs = 30'000;
constexpr int kStopMs = 5'000;
// nae-agent's exit code for a configuration it cannot use (EX_CONFIG of sysexits.h): until the file
// changes another start hardly helps. What it refers to may change as well, so one is tried anyway.
constexpr int kBadConfiguration = 78;
constexpr int kBadConfigurationMs = 30'000;
constexpr int kLookMs = 500;  // at the file
// The same end again and again is reported so often.
constexpr std::int64_t kReportMs = 30'000;
// No status of waitpid is negative.
constexpr int kNothing = -1;
constexpr int kNotStarted = -2;

// Which state of a file it is; differs whenever somebody has written it.
struct FileState {
  dev_t device = 0;
  ino_t inode = 0;
  off_t bytes = -1;
  std::int64_t modified_ns = 0, changed_ns = 0;
  friend bool operator==(const FileState&, const FileState&) = default;
};

FileState state_of(const char* path) {
  struct stat found {};
  if (::stat(path, &found) != 0) return {};
  auto ns = [](const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  return {found.st_dev, found.st_ino, found.st_size, ns(found.st_mtim), ns(found.st_ctim)};
}

struct Supervision {
  pid_t agent = 0;
  std::int64_t started_ms = 0;
  std::int64_t next_start_ms = 0;
  int restart_ms = kFirstRestartMs;
  char socket[128] = "";  // the one that the running agent was given
  FileState config;       // that the last agent was started with
  bool waits_for_config = false;
  int reported = kNothing;
  std::int64_t reported_ms = 0;
};

// From 19 on handlers are told who sent the signal.
template <class... Told>
void wake_on_child(Told...) {
  int saved = errno;
  SetLatch(MyLatch);
  errno = saved;
}

// False while the same has been reported lately. `what`: waitpid's status, or kNotStarted.
bool is_news(Supervision& s, int what) {
  const std::int64_t now_ms = monotonic_ms();
  if (what == s.reported && now_ms - s.reported_ms < kReportMs) return false;
  s.reported = what;
  s.reported_ms = now_ms;
  return true;
}

void report_end(Supervision& s, int status) {
  if (!is_news(s, status)) return;
  if (WIFSIGNALED(status))
    ereport(LOG, (errmsg("nae-agent was terminated by signal %d", WTERMSIG(status)),
                  errdetail("It is started again in %d ms.", s.restart_ms)));
  else if (s.waits_for_config)
    ereport(LOG, (errmsg("nae-agent cannot use its configuration \"%s\"", settings.agent_config),
                  errdetail("It is started again when that file changes."),
                  errhint("Its own messages stand above in this log.")));
  else
    ereport(LOG, (errmsg("nae-agent exited with code %d", WEXITSTATUS(status)),
                  errdetail("It is started again in %d ms, and from then on every second.",
                            s.restart_ms),
                  errhint("Its own messages stand above in this log.")));
}

void schedule_restart(Supervision& s) {
  s.agent = 0;
  s.next_start_ms = monotonic_ms() + (s.waits_for_config ? kBadConfigurationMs : s.restart_ms);
  s.restart_ms = std::min(s.restart_ms * 2, kLongestRestartMs);
}

// Before the time that is set for it.
bool start_is_due(const Supervision& s) {
  return monotonic_ms() >= s.next_start_ms ||
         (s.waits_for_config && state_of(settings.agent_config) != s.config);
}

void start(Supervision& s) {
  strlcpy(s.socket, settings.agent_socket, sizeof s.socket);
  s.config = state_of(settings.agent_config);
  s.waits_for_config = false;
  s.agent = start_agent({settings.agent_program, settings.agent_config, s.socket});
  s.started_ms = monotonic_ms();
  if (s.agent > 0) {
    const bool is_repetition = s.reported != kNothing;
    ereport(is_repetition ? DEBUG1 : LOG,
            (errmsg("started nae-agent, process %d", static_cast<int>(s.agent))));
    return;
  }
  const int error = errno;
  const bool news = is_news(s, kNotStarted);
  errno = error;
  ereport(news ? LOG : DEBUG1,
          (errcode_for_file_access(),
           errmsg("could not start nae-agent \"%s\": %m", settings.agent_program),
           errhint("Set nae.agent_program to the path of nae-agent.")));
  schedule_restart(s);
}

void reap(Supervision& s) {
  int status = 0;
  if (s.agent == 0 || !has_ended(s.agent, status)) return;
  if (monotonic_ms() - s.started_ms >= kHealthyMs) {
    s.restart_ms = kFirstRestartMs;
    s.reported = kNothing;
  }
  s.waits_for_config = WIFEXITED(status) && WEXITSTATUS(status) == kBadConfiguration;
  report_end(s, status);
  schedule_restart(s);
}

void reload(Supervision& s) {
  ConfigReloadPending = false;
  ProcessConfigFile(PGC_SIGHUP);
  // Who reloads has probably corrected what kept the agent from starting.
  s.restart_ms = kFirstRestartMs;
  s.next_start_ms = 0;
  s.reported = kNothing;
  if (s.agent == 0) return;
  bool moved = std::strcmp(s.socket, settings.agent_socket) != 0;
  ::kill(s.agent, moved ? SIGTERM : SIGHUP);
}

void wait(const Supervision& s) {
  int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
  long timeout = -1;
  if (s.agent == 0) {
    events |= WL_TIMEOUT;
    timeout = static_cast<long>(std::max<std::int64_t>(s.next_start_ms - monotonic_ms(), 0));
    if (s.waits_for_config) timeout = std::min<long>(timeout, kLookMs);
  }
  WaitLatch(MyLatch, events, timeout, PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
}

void stop(Supervision& s) {
  if (s.agent == 0) return;
  ::kill(s.agent, SIGTERM);
  Deadline deadline = Deadline::after_ms(kStopMs);
  int status = 0;
  while (!has_ended(s.agent, status)) {
    if (deadline.passed()) {
      ereport(LOG, (errmsg("nae-agent did not stop within %d ms and is killed", kStopMs)));
      ::kill(s.agent, SIGKILL);
      deadline = Deadline::after_ms(kStopMs);
    }
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, deadline.remaining_ms(),
              PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
  }
}

}  // namespace

void register_supervisor() {
  if (!settings.preloaded || settings.agent != agent_embedded) return;
  BackgroundWorker worker{};
  strlcpy(worker.bgw_name, "nae agent supervisor", sizeof worker.bgw_name);
  strlcpy(worker.bgw_type, "nae agent supervisor", sizeof worker.bgw_type);
  // Shared memory is demanded of every worker since 15; no database is connected to.
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
  worker.bgw_start_time = BgWorkerStart_ConsistentState;  // a standby decrypts too
  worker.bgw_restart_time = 1;
  strlcpy(worker.bgw_library_name, "pg_nae", sizeof worker.bgw_library_name);
  strlcpy(worker.bgw_function_name, "nae_supervisor_main", sizeof worker.bgw_function_name);
  RegisterBackgroundWorker(&worker);
}

}  // namespace nae::pg

extern "C" void nae_supervisor_main(Datum) {
  using namespace nae::pg;
  pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGCHLD, wake_on_child);
  BackgroundWorkerUnblockSignals();
  Supervision supervision;
  while (!ShutdownRequestPending) {
    if (ConfigReloadPending) reload(supervision);
    reap(supervision);
    if (supervision.agent == 0 && start_is_due(supervision)) start(supervision);
    wait(supervision);
  }
  stop(supervision);
  // 0 would tell the postmaster that the work is done for good: pg_terminate_backend() would leave
  // the server without an agent. After 1 it starts this worker again, unless it shuts down.
  proc_exit(1);
}
