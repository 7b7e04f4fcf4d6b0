#include "libnae/base/process_numbers.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace nae {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// The fields of proc(5), /proc/[pid]/stat, behind the name, which may hold spaces and brackets.
struct Stat {
  double threads = 0, start_ticks = 0, virtual_bytes = 0, resident_pages = 0;
  bool known = false;
};

Stat read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_ends = text.rfind(')');
  if (name_ends == std::string::npos) return {};
  std::istringstream rest(text.substr(name_ends + 1));
  constexpr int kFirst = 3, kThreads = 20, kStart = 22, kVirtual = 23, kResident = 24;
  Stat stat;
  std::string word;
  for (int field = kFirst; field <= kResident && rest >> word; ++field) {
    double* target = field == kThreads    ? &stat.threads
                     : field == kStart    ? &stat.start_ticks
                     : field == kVirtual  ? &stat.virtual_bytes
                     : field == kResident ? &stat.resident_pages
                                          : nullptr;
    if (target) *target = std::stod(word);
    stat.known = field == kResident;
  }
  return stat;
}

// Unix time of the machine's start, 0 when it is not known.
double machine_started() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;)
    if (word == "btime") {
      double at = 0;
      file >> at;
      return at;
    }
  return 0;
}

double open_files() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error))
    ++count;
  return error ? 0 : count - 1;  // without the one that reads
}

}  // namespace

std::vector<ProcessNumber> process_numbers() {
  std::vector<ProcessNumber> numbers;
  auto gauge = [&](std::string_view name, std::string_view help, double value) {
    numbers.push_back({name, help, false, value});
  };
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0)
    numbers.push_back({"process_cpu_seconds_total", "User and system CPU time spent, in seconds.",
                       true, seconds(used.ru_utime) + seconds(used.ru_stime)});
  if (const Stat stat = read_stat(); stat.known) {
    gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", stat.virtual_bytes);
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
          stat.resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    gauge("process_threads", "Threads of the process.", stat.threads);
    if (const double machine = machine_started(); machine > 0)
      gauge("process_start_time_seconds", "Start of the process, in seconds since the Unix epoch.",
            machine + stat.start_ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  }
  if (const double files = open_files(); files > 0)
    gauge("process_open_fds", "Open file descriptors.", files);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    gauge("process_max_fds", "Most file descriptors that may be open.",
          static_cast<double>(limit.rlim_cur));
  return numbers;
}

}  // namespace nae
