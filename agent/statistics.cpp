#include "agent/statistics.hpp"

#include <string>

#include "libnae/base/version.hpp"

namespace nae::agent {
namespace {

class Rows {
 public:
  explicit Rows(Table& table) : table_(table) {}
  void text(std::string name, std::string_view value) {
    table_.rows.push_back({std::move(name), std::string(value)});
  }
  void number(std::string name, std::uint64_t value) {
    text(std::move(name), std::to_string(value));
  }

 private:
  Table& table_;
};

void add_upstream(Rows& rows, const std::string& prefix, const Upstream& upstream,
                  const Discovery& discovery) {
  rows.text(prefix + "server", upstream.server());
  rows.text(prefix + "origin", discovery.is_found(upstream.server()) ? "discovered" : "configured");
  rows.text(prefix + "node", discovery.node_at(upstream.server()));
  rows.text(prefix + "state", upstream.state_name());
  rows.number(prefix + "outstanding", upstream.outstanding());
  rows.number(prefix + "requests", upstream.requests());
  rows.number(prefix + "connects", upstream.connects());
  rows.number(prefix + "request_bytes", upstream.request_bytes());
  rows.number(prefix + "reply_bytes", upstream.reply_bytes());
  rows.number(prefix + "contexts", upstream.open_contexts());
  rows.text(prefix + "last_error", upstream.last_error().message);
}

}  // namespace

Table statistics_table(const Broker& broker, const AgentCounters& counters, std::size_t clients,
                       std::size_t contexts) {
  Table table;
  table.columns = {"name", "value"};
  Rows rows(table);
  auto uptime = std::chrono::steady_clock::now() - counters.started;
  rows.text("version", version());
  rows.number("uptime_s", static_cast<std::uint64_t>(
                              std::chrono::duration_cast<std::chrono::seconds>(uptime).count()));
  rows.number("clients", clients);
  rows.number("contexts", contexts);
  rows.number("programs_refused", counters.programs_refused);
  rows.number("reloads", counters.reloads);
  rows.number("clients_refused", counters.clients_refused);
  rows.number("clients_gave_way", counters.clients_gave_way);
  rows.number("renewals", counters.renewals);
  rows.number("renewals_failed", counters.renewals_failed);
  rows.number("requests", broker.counters().requests);
  rows.number("requests_delivered", broker.counters().delivered);
  rows.number("requests_refused", broker.counters().refused);
  rows.number("requests_retried", broker.counters().retried);
  rows.number("requests_timed_out", broker.counters().timeouts);
  rows.number("servers_discovered", broker.discovery().found().size());
  rows.number("discovered_refused", broker.counters().discovered_refused);
  rows.number("requests_outstanding", broker.outstanding());
  rows.number("buffered_bytes", broker.buffered_bytes());
  std::size_t number = 0;
  for (const auto& upstream : broker.upstreams())
    add_upstream(rows, "upstream." + std::to_string(++number) + ".", *upstream, broker.discovery());
  return table;
}

}  // namespace nae::agent
