#include "agent/hardening.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace nae::agent {

Result<void> protect_memory() {
  rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return fail(Code::internal, std::string("cannot forbid core dumps: ") + std::strerror(errno));
  return {};
}

bool end_with_parent() {
  pid_t parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // It may have ended before the request took force; then init is the parent.
  return ::getppid() == parent && parent != 1;
}

}  // namespace nae::agent
