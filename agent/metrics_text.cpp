#include "agent/metrics_text.hpp"

#include <cstdio>
#include <map>

#include "libnae/base/clock.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/process_numbers.hpp"
#include "libnae/base/version.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/certificate_life.hpp"

namespace nae::agent {
namespace {

constexpr std::size_t kMaxCertificateBytes = 64u << 10;

// Of a label's value, as the text format wants it.
std::string escaped(std::string_view text) {
  std::string value;
  for (char c : text) {
    if (c == '\\' || c == '"') value += '\\';
    if (c == '\n')
      value += "\\n";
    else
      value += c;
  }
  return value;
}

class Text {
 public:
  // Begins a family: all its samples follow.
  void family(std::string_view name, std::string_view help, bool is_counter) {
    name_ = name;
    (out_ += "# HELP ").append(name).append(" ").append(help) += '\n';
    (out_ += "# TYPE ").append(name).append(is_counter ? " counter\n" : " gauge\n");
  }
  void sample(double value, std::string_view labels = {}) {
    out_ += name_;
    if (!labels.empty()) (out_ += '{').append(labels) += '}';
    char number[32];
    const int length = std::snprintf(number, sizeof number, " %.17g\n", value);
    out_.append(number, static_cast<std::size_t>(length));
  }
  void one(std::string_view name, std::string_view help, bool is_counter, double value) {
    family(name, help, is_counter);
    sample(value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_, name_;
};

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

void add_broker(Text& text, const Broker& broker) {
  const BrokerCounters& counted = broker.counters();
  auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    text.one(name, help, true, static_cast<double>(value));
  };
  counter("nae_agent_requests_total", "Requests of this host's programs.", counted.requests);
  counter("nae_agent_requests_delivered_total", "Requests whose answer was delivered.",
          counted.delivered);
  counter("nae_agent_requests_refused_total", "Requests that the agent itself refused.",
          counted.refused);
  counter("nae_agent_requests_retried_total", "Requests that were sent to a second server.",
          counted.retried);
  counter("nae_agent_requests_timed_out_total", "Requests whose time ran out.", counted.timeouts);
  text.one("nae_agent_requests_outstanding", "Requests that wait for their answer.", false,
           static_cast<double>(broker.outstanding()));
  text.one("nae_agent_buffered_bytes", "Bytes of requests that wait for their answer.", false,
           static_cast<double>(broker.buffered_bytes()));
}

// One family after the other, each with a sample a connection: "connection" counts from 1.
void add_upstreams(Text& text, const Broker& broker) {
  struct Row {
    const char *name, *help;
    bool is_counter;
    double (*value)(const Upstream&);
  };
  const Row rows[] = {
      {"nae_agent_upstream_ready", "1 while the connection to the key server serves, else 0.",
       false, [](const Upstream& u) { return u.ready() ? 1.0 : 0.0; }},
      {"nae_agent_upstream_outstanding", "Requests that wait on the connection.", false,
       [](const Upstream& u) { return number(u.outstanding()); }},
      {"nae_agent_upstream_requests_total", "Requests sent on the connection.", true,
       [](const Upstream& u) { return number(u.requests()); }},
      {"nae_agent_upstream_connects_total", "How often it was opened.", true,
       [](const Upstream& u) { return number(u.connects()); }},
      {"nae_agent_upstream_request_bytes_total", "Bytes sent on the connection.", true,
       [](const Upstream& u) { return number(u.request_bytes()); }},
      {"nae_agent_upstream_reply_bytes_total", "Bytes received on the connection.", true,
       [](const Upstream& u) { return number(u.reply_bytes()); }},
  };
  for (const Row& row : rows) {
    text.family(row.name, row.help, row.is_counter);
    std::size_t connection = 0;
    for (const auto& upstream : broker.upstreams())
      text.sample(row.value(*upstream), "server=\"" + escaped(upstream->server()) +
                                            "\",connection=\"" + std::to_string(++connection) +
                                            "\"");
  }
}

// One sample a server; the same words as in nae_agent_stats().
void add_servers(Text& text, const Broker& broker) {
  const Discovery& discovery = broker.discovery();
  std::map<std::string, bool> ready;
  for (const auto& upstream : broker.upstreams())
    if (!upstream->retired()) ready[upstream->server()] |= upstream->ready();
  text.family("nae_agent_server_ready", "1 while a connection to the key server serves, else 0.",
              false);
  for (const auto& [server, serves] : ready)
    text.sample(serves ? 1 : 0, "server=\"" + escaped(server) + "\",node=\"" +
                                    escaped(discovery.node_at(server)) + "\",origin=\"" +
                                    (discovery.is_found(server) ? "discovered" : "configured") +
                                    "\"");
  text.one("nae_agent_discovered_refused_total",
           "Attempts at discovered key servers whose certificate was not theirs.", true,
           number(broker.counters().discovered_refused));
}

void add_certificates(Text& text, const net::TlsFiles& tls) {
  struct Seen {
    const char* kind;
    crypto::CertificateLife life;
  };
  std::vector<Seen> seen;
  for (auto [kind, file] :
       {std::pair{"device", tls.certificate}, std::pair{"authority", tls.authority}}) {
    auto pem = read_file(file, kMaxCertificateBytes);
    if (!pem) continue;
    if (auto info = crypto::read_certificate(std::string_view(*pem)))
      seen.push_back({kind, {info->not_before_s, info->not_after_s}});
  }
  const std::int64_t now_s = unix_time_us() / 1'000'000;
  const auto show = [&](double value, const char* kind) {
    text.sample(value, std::string("certificate=\"") + kind + '"');
  };
  text.family("nae_agent_certificate_expiry_seconds",
              "Seconds until the certificate in the file ends; below zero when it has.", false);
  for (const Seen& one : seen) show(static_cast<double>(one.life.not_after_s - now_s), one.kind);
  text.family(
      "nae_agent_certificate_ending",
      "1 when the certificate in the file has ended, or ends within 30 days and a quarter of "
      "its life.",
      false);
  for (const Seen& one : seen) show(now_s > crypto::ends_soon_after_s(one.life) ? 1 : 0, one.kind);
}

}  // namespace

std::string metrics_text(const Broker& broker, const AgentCounters& counters, std::size_t clients,
                         std::size_t contexts, const net::TlsFiles& tls) {
  Text text;
  text.family("nae_agent_build_info", "Always 1; its labels say what was built.", false);
  text.sample(1, "version=\"" + escaped(version()) + "\",commit=\"" + escaped(commit()) + '"');
  text.one("nae_agent_clients", "Connected programs.", false, static_cast<double>(clients));
  text.one("nae_agent_contexts", "Contexts of program and role.", false,
           static_cast<double>(contexts));
  text.one("nae_agent_programs_refused_total", "Connections of programs that are not configured.",
           true, static_cast<double>(counters.programs_refused));
  text.one("nae_agent_reloads_total", "How often the configuration was read again.", true,
           static_cast<double>(counters.reloads));
  text.one("nae_agent_certificate_renewals_total",
           "How often the agent renewed the host's certificate.", true,
           static_cast<double>(counters.renewals));
  text.one("nae_agent_certificate_renewal_failures_total",
           "Attempts to renew the host's certificate that failed.", true,
           static_cast<double>(counters.renewals_failed));
  add_broker(text, broker);
  add_upstreams(text, broker);
  add_servers(text, broker);
  add_certificates(text, tls);
  for (const ProcessNumber& number : process_numbers())
    text.one(number.name, number.help, number.is_counter, number.value);
  return text.take();
}

}  // namespace nae::agent
