// The agent's counters in Prometheus' text format, version 0.0.4.
#pragma once

#include <string>

#include "agent/broker.hpp"
#include "agent/statistics.hpp"
#include "net/tls_context.hpp"

namespace nae::agent {

// `tls`: whose certificates' ends are told, read when this is called. No names of programs, roles
// or keys; servers by their addresses.
std::string metrics_text(const Broker& broker, const AgentCounters& counters, std::size_t clients,
                         std::size_t contexts, const net::TlsFiles& tls);

}  // namespace nae::agent
