// What the kernel counts for this process, as Prometheus' client libraries name it (process_*).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace nae {

struct ProcessNumber {
  std::string_view name;  // "process_open_fds"
  std::string_view help;
  bool is_counter = false;  // else a gauge
  double value = 0;
};

// From /proc/self and getrusage(2); what cannot be read is left out. Times in seconds, sizes in
// bytes. Tens of microseconds: for a scrape, not for a request.
std::vector<ProcessNumber> process_numbers();

}  // namespace nae
