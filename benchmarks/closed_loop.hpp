// Closed loop: many clients in one thread, each sends its next request when it has its answer.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace nae::benchmarks {

// One client's connection.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual int descriptor() const = 0;
  virtual void send() = 0;  // the next request, as a whole
  // Reads what is there; true when the request under way is answered.
  virtual bool receive() = 0;
};
using Channels = std::vector<std::unique_ptr<Channel>>;

struct Bounds {
  double seconds = 1.0;
  std::uint64_t requests = 1'000'000;
};

struct LoopFigures {
  double requests_per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
  std::uint64_t all_requests = 0;  // with those of the warm-up
};

// Ends with nothing under way, so that the channels can be used again.
LoopFigures closed_loop(Channels& channels, const Bounds& bounds);

}  // namespace nae::benchmarks
