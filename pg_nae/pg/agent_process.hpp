// AgentProcess: the nae-agent that this process started.
#pragma once

#include <sys/types.h>

namespace nae::pg {

// What the new process is started with; all strings are read between fork and exec.
struct AgentCommand {
  const char* program;
  const char* config;
  const char* socket;
};

// The process id, or -1 with errno. The child has no open file but the standard three, default
// signal handling and its own process group, and gets SIGTERM when this process ends in whatever
// way.
pid_t start_agent(const AgentCommand& command);

// True when `process` has ended; `status` is waitpid's.
bool has_ended(pid_t process, int& status);

}  // namespace nae::pg
