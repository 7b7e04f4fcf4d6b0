// Agent: the parts put together on one event loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "agent/broker.hpp"
#include "agent/config.hpp"
#include "agent/context.hpp"
#include "agent/downstream.hpp"
#include "agent/metrics_listener.hpp"
#include "agent/peer_process.hpp"
#include "agent/renewal.hpp"
#include "agent/statistics.hpp"
#include "libnae/base/repeated_event.hpp"
#include "net/listener.hpp"

namespace nae::agent {

class Agent {
 public:
  Agent(boost::asio::io_context& loop, Config config);

  // Opens the connections to the key servers and listens. Servers that are down are no failure:
  // they are tried for ever.
  Result<void> start();
  // Certificates, servers and programs of `config` for what comes from now on; sockets and limits
  // stay as they are. Connections of programs whose entry is gone or says something else of them
  // now end, soon. On failure everything stays as it is.
  Result<void> reload(const Config& config);
  // Finishes what is in flight, then ends the loop; at the latest after limits.stop_timeout.
  void stop();

 private:
  Result<std::vector<UpstreamSettings>> upstream_settings(const Config& config) const;
  void use_renewed();
  Result<AttestedProgram> attest_peer(int descriptor);
  net::PlaceRules place_rules();
  net::Connection* choose_spare();
  Error full(std::size_t clients);

  boost::asio::io_context& loop_;
  Config config_;
  AgentCounters counters_;
  ProcessInspector inspector_;
  ContextRegistry contexts_;
  Broker broker_;
  ClientOrder order_;
  RepeatedEvent gave_way_;
  DownstreamServices services_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<MetricsListener> metrics_;  // nullptr: not configured
  Renewal renewal_;
  boost::asio::steady_timer stop_timer_;
  bool stopping_ = false;
};

}  // namespace nae::agent
