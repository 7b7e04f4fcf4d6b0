// Worker: what the connections of one thread share. Nothing of it is locked.
#pragma once

#include <memory>
#include <set>

#include "gateway/agent_link.hpp"
#include "gateway/config.hpp"
#include "gateway/metrics.hpp"
#include "gateway/request_ids.hpp"
#include "gateway/tls.hpp"
#include "gateway/upstream_pool.hpp"

namespace nae::gateway {

// A configuration in force, with the certificates of that time. A request keeps that with which it
// began.
struct Settings {
  Config config;
  SharedTls client_tls, upstream_tls;
};
using SharedSettings = std::shared_ptr<const Settings>;

// Somebody who ends when the gateway stops: at once while it waits for a request, else after its
// answer.
class Drained {
 public:
  virtual ~Drained() = default;
  virtual void drain() = 0;
  virtual void abort() = 0;
};

struct Worker {
  Worker(boost::asio::io_context& its_loop, SharedSettings its_settings, Metrics& its_metrics)
      : loop(its_loop),
        deadlines(its_loop),
        agent(its_loop, its_settings->config.agent_socket.string(), its_settings->config.name),
        upstream(its_loop, deadlines),
        settings(std::move(its_settings)),
        metrics(its_metrics) {}

  boost::asio::io_context& loop;
  Deadlines deadlines;
  AgentLink agent;
  UpstreamPool upstream;
  SharedSettings settings;
  Metrics& metrics;
  RequestIds request_ids;
  std::set<Drained*> connections;
  std::size_t body_bytes = 0;  // that claimed requests under way hold, or may
  bool draining = false;
};

}  // namespace nae::gateway
