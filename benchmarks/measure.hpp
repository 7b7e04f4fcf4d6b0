// What the benchmarks measure with: clocks, orders of values, cores.
#pragma once

#include <dirent.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace nae::benchmarks {

// A benchmark that cannot measure what it says must not print a figure.
[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "benchmark: %s\n", why.c_str());
  std::exit(1);
}

inline std::uint64_t read_clock(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) give_up("the clock of a process cannot be read");
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

inline std::uint64_t now_ns() {
  return read_clock(CLOCK_MONOTONIC);
}

// User and system time of all threads of a process; /proc/PID/stat has ticks of 10 ms only.
inline std::uint64_t cpu_ns(pid_t process) {
  clockid_t clock{};
  if (::clock_getcpuclockid(process, &clock) != 0)
    give_up("process " + std::to_string(process) + " is gone");
  return read_clock(clock);
}

template <class T>
T percentile(std::vector<T> values, double share) {
  if (values.empty()) give_up("nothing was measured");
  auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

template <class T>
T median(std::vector<T> values) {
  return percentile(std::move(values), 0.5);
}

// All threads of a process to one core, or to every core when `core` is negative. A wake-up on
// another core costs 5 to 50 us here and changes by the minute: only what is pinned alike compares.
inline void pin(pid_t process, int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (int i = 0; i < ::sysconf(_SC_NPROCESSORS_ONLN); ++i)
    if (core < 0 || core == i) CPU_SET(static_cast<std::size_t>(i), &cores);
  std::string path = "/proc/" + std::to_string(process) + "/task";
  DIR* threads = ::opendir(path.c_str());
  if (threads == nullptr) give_up(path + " cannot be read");
  while (const dirent* entry = ::readdir(threads))
    if (pid_t thread = std::atoi(entry->d_name); thread > 0)
      ::sched_setaffinity(thread, sizeof cores, &cores);
  ::closedir(threads);
}

}  // namespace nae::benchmarks
