#include "gateway/metrics.hpp"

namespace nae::gateway {
namespace {

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += "# HELP nae_gateway_" + std::string(name) + " " + std::string(help) +
         "\n# TYPE nae_gateway_" + std::string(name) + " " + std::string(type) + "\n";
}

void line(std::string& out, std::string_view name, const std::string& labels,
          const std::string& value) {
  out += "nae_gateway_" + std::string(name) + labels + " " + value + "\n";
}

}  // namespace

void Metrics::refused(std::string_view name) {
  std::lock_guard guard(mutex_);
  ++refused_.try_emplace(std::string(name), 0).first->second;
}

std::string Metrics::text(bool has_key_server) const {
  std::string out;
  const auto single = [&](std::string_view name, std::string_view type, std::string_view help,
                          std::uint64_t value) {
    head(out, name, type, help);
    line(out, name, "", std::to_string(value));
  };
  single("connections_total", "counter", "Connections of clients that were accepted.", connections);
  single("connections", "gauge", "Connections of clients that are open.", open_connections);
  single("connections_refused_total", "counter", "Connections over the limit.",
         connections_refused);
  head(out, "requests_total", "counter", "Requests, by the class of their answer's status.");
  for (std::size_t digit = 1; digit < 6; ++digit)
    line(out, "requests_total", "{status=\"" + std::to_string(digit) + "xx\"}",
         std::to_string(requests[digit]));
  line(out, "requests_total", "{status=\"none\"}", std::to_string(requests[0]));
  single("claimed_requests_total", "counter", "Requests that a route claimed.", claimed_requests);
  single("values_encrypted_total", "counter", "Values that were encrypted.", values_encrypted);
  single("values_shown_total", "counter", "Values of answers that were asked for.", values_shown);
  single("batches_total", "counter", "Round trips to the agent.", batches);
  head(out, "batch_seconds_total", "counter", "Time that these took in sum.");
  line(out, "batch_seconds_total", "",
       std::to_string(static_cast<double>(batch_microseconds) / 1e6));
  single("upstream_failures_total", "counter", "Requests that the application did not answer.",
         upstream_failures);
  single("agent_failures_total", "counter", "Round trips to the agent that failed.",
         agent_failures);
  single("reloads_total", "counter", "Configurations that were taken while running.", reloads);
  single("agent_up", "gauge", "Whether the agent has answered and is connected.",
         has_key_server ? 1 : 0);
  head(out, "refused_total", "counter", "Requests that were refused, by reason.");
  std::lock_guard guard(mutex_);
  for (const auto& [name, count] : refused_)
    line(out, "refused_total", "{reason=\"" + name + "\"}", std::to_string(count));
  return out;
}

}  // namespace nae::gateway
