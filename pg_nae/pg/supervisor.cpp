#include "pg_nae/pg/supervisor.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>

#include "pg_nae/pg/agent_process.hpp"
#include "pg_nae/pg/deadline.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::pg {
namespace {

constexpr int kFirstRestartMs = 100;
constexpr int kLongestRestartMs = 30'000;
// An agent that ran this long was healthy: its end is a new trouble, not the old one again.
constexpr std::int64_t kHealthyMs = 30'000;
constexpr int kStopMs = 5'000;
// nae-agent's exit code for a configuration it cannot use (EX_CONFIG of sysexits.h): until somebody
// corrects it and reloads, another start hardly helps.
constexpr int kBadConfiguration = 78;

struct Supervision {
  pid_t agent = 0;
  std::int64_t started_ms = 0;
  std::int64_t next_start_ms = 0;
  int restart_ms = kFirstRestartMs;
  char socket[128] = "";  // the one that the running agent was given
};

void wake_on_child(int) {
  int saved = errno;
  SetLatch(MyLatch);
  errno = saved;
}

void report_end(int status, int restart_ms) {
  if (WIFSIGNALED(status))
    ereport(LOG, (errmsg("nae-agent was terminated by signal %d", WTERMSIG(status)),
                  errdetail("It is started again in %d ms.", restart_ms)));
  else
    ereport(LOG, (errmsg("nae-agent exited with code %d", WEXITSTATUS(status)),
                  errdetail("It is started again in %d ms.", restart_ms),
                  errhint("Its own messages stand above in this log.")));
}

void schedule_restart(Supervision& s) {
  s.agent = 0;
  s.next_start_ms = monotonic_ms() + s.restart_ms;
  s.restart_ms = std::min(s.restart_ms * 2, kLongestRestartMs);
}

void start(Supervision& s) {
  strlcpy(s.socket, settings.agent_socket, sizeof s.socket);
  s.agent = start_agent({settings.agent_program, settings.agent_config, s.socket});
  s.started_ms = monotonic_ms();
  if (s.agent > 0) {
    ereport(LOG, (errmsg("started nae-agent, process %d", static_cast<int>(s.agent))));
    return;
  }
  ereport(LOG, (errcode_for_file_access(),
                errmsg("could not start nae-agent \"%s\": %m", settings.agent_program),
                errhint("Set nae.agent_program to the path of nae-agent.")));
  schedule_restart(s);
}

void reap(Supervision& s) {
  int status = 0;
  if (s.agent == 0 || !has_ended(s.agent, status)) return;
  if (monotonic_ms() - s.started_ms >= kHealthyMs) s.restart_ms = kFirstRestartMs;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kBadConfiguration)
    s.restart_ms = kLongestRestartMs;
  report_end(status, s.restart_ms);
  schedule_restart(s);
}

void reload(Supervision& s) {
  ConfigReloadPending = false;
  ProcessConfigFile(PGC_SIGHUP);
  // Who reloads has probably corrected what kept the agent from starting.
  s.restart_ms = kFirstRestartMs;
  s.next_start_ms = 0;
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
    if (supervision.agent == 0 && monotonic_ms() >= supervision.next_start_ms) start(supervision);
    wait(supervision);
  }
  stop(supervision);
  // 0 would tell the postmaster that the work is done for good: pg_terminate_backend() would leave
  // the server without an agent. After 1 it starts this worker again, unless it shuts down.
  proc_exit(1);
}
