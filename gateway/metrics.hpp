// Metrics: what a gateway has counted since its start. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace nae::gateway {

class Metrics {
 public:
  using Counter = std::atomic<std::uint64_t>;
  Counter connections{0}, open_connections{0}, connections_refused{0};
  Counter requests[6] = {};  // by the first digit of their status; [0]: without an answer
  Counter claimed_requests{0}, values_encrypted{0}, values_shown{0};
  Counter batches{0}, batch_microseconds{0};
  Counter upstream_failures{0}, agent_failures{0}, reloads{0};

  void refused(std::string_view name);
  // In the text format of Prometheus.
  std::string text(bool has_key_server) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> refused_;  // by the refusal's name
};

}  // namespace nae::gateway
