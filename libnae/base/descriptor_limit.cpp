#include "libnae/base/descriptor_limit.hpp"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace nae {

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  rlimit raised = limit;
  raised.rlim_cur = raised.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

bool lacks_descriptors(int error) {
  return error == EMFILE || error == ENFILE;
}

// "Too many open files" tells neither whose nor how many.
std::string exhausted_text(int error) {
  std::string text = ::strerrorname_np(error);
  if (error != EMFILE) return text + ": " + std::strerror(error);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return text + ": this process may have " + std::to_string(limit.rlim_cur) + " open files";
}

}  // namespace nae
