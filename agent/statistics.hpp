// Statistics: the agent's state as the table that Lookup agent_stats answers.
#pragma once

#include <chrono>
#include <cstdint>

#include "agent/broker.hpp"
#include "libnae/wire/lookup.hpp"

namespace nae::agent {

struct AgentCounters {
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::uint64_t programs_refused = 0;
  std::uint64_t reloads = 0;
  std::uint64_t clients_refused = 0;  // there were max_clients
  std::uint64_t clients_gave_way = 0;
  std::uint64_t renewals = 0;  // of the host's certificate
  std::uint64_t renewals_failed = 0;
};

// (name, value); names are stable, new ones are added at the end of their group.
Table statistics_table(const Broker& broker, const AgentCounters& counters, std::size_t clients,
                       std::size_t contexts);

}  // namespace nae::agent
