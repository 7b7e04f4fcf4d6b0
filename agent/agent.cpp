#include "agent/agent.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>

#include "agent/attestation.hpp"
#include "agent/metrics_text.hpp"
#include "agent/own_certificate.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/wire/error_message.hpp"

namespace nae::agent {

namespace {

// As much as for requests that wait for their answers; and one process must not take it all, but
// what it may send in one frame must fit.
std::shared_ptr<net::MemoryBudget> memory_for_clients(std::uint64_t bytes,
                                                      const wire::Limits& limits) {
  const std::uint64_t frame = wire::kFrameHeaderBytes + limits.max_frame_bytes;
  return std::make_shared<net::MemoryBudget>(std::max(bytes, frame), std::max(bytes / 4, frame));
}

}  // namespace

Agent::Agent(boost::asio::io_context& loop, Config config)
    : loop_(loop),
      config_(std::move(config)),
      broker_(loop, {config_.limits.max_buffered_bytes, config_.limits.request_timeout,
                     config_.limits.unavailable_wait}),
      services_{broker_,
                contexts_,
                [this](int descriptor) { return attest_peer(descriptor); },
                [this](const PeerProcess& seen) { return attest(config_.programs, seen); },
                [this] {
                  return statistics_table(broker_, counters_, listener_->connections(),
                                          contexts_.size());
                },
                config_.limits.max_outstanding_per_client,
                config_.limits.request_timeout,
                memory_for_clients(config_.limits.max_buffered_bytes, config_.limits.wire),
                order_},
      renewal_(loop, counters_, [this] { use_renewed(); }),
      stop_timer_(loop) {}

Result<std::vector<UpstreamSettings>> Agent::upstream_settings(const Config& config) const {
  NAE_ASSIGN(net::TlsContext tls,
             net::TlsContext::client(present_files(config.tls, config.renewal.file)));
  std::vector<UpstreamSettings> settings;
  for (std::uint32_t i = 0; i < config.connections_per_server; ++i)
    for (const net::Endpoint& server : config.servers)
      settings.push_back({server, tls, config.limits.wire, config.limits.connect_timeout});
  return settings;
}

Result<void> Agent::start() {
  NAE_ASSIGN(std::vector<UpstreamSettings> upstreams, upstream_settings(config_));
  for (const Program& program : config_.programs) inspector_.learn(program.executable);
  net::UnixListenerOptions options;
  options.path = config_.socket.string();
  options.mode = config_.socket_mode;
  options.max_connections = config_.limits.max_clients;
  options.places = place_rules();
  NAE_ASSIGN(listener_, net::listen_unix(
                            loop_,
                            [this](net::Connection& connection) {
                              return std::make_unique<Downstream>(connection, services_);
                            },
                            options));
  if (config_.metrics_listen) {
    auto text = [this] {
      return metrics_text(broker_, counters_, listener_->connections(), contexts_.size(),
                          present_files(config_.tls, config_.renewal.file));
    };
    NAE_ASSIGN(metrics_, MetricsListener::listen(loop_, *config_.metrics_listen, std::move(text)));
  }
  broker_.use(std::move(upstreams), config_.discover);
  spdlog::info("event=listening socket={} servers={} programs={}", options.path,
               config_.servers.size(), config_.programs.size());
  renewal_.use(config_);
  return {};
}

net::PlaceRules Agent::place_rules() {
  net::PlaceRules rules;
  rules.choose_spare = [this] { return choose_spare(); };
  rules.full = [this](std::size_t clients) { return full(clients); };
  rules.last_word = [](const Error& reason) {
    Bytes said;
    wire::append_error(said, 0, {reason, 0});
    return said;
  };
  return rules;
}

net::Connection* Agent::choose_spare() {
  Seated* spare = order_.spare();
  if (spare == nullptr) return nullptr;
  ++counters_.clients_gave_way;
  if (auto times = gave_way_.happens(std::chrono::steady_clock::now()))
    spdlog::info("event=client_gave_way times={} max_clients={}", *times,
                 config_.limits.max_clients);
  return &spare->connection();
}

Error Agent::full(std::size_t clients) {
  ++counters_.clients_refused;
  const auto& limits = config_.limits;
  std::string message = "nae-agent has " + std::to_string(clients) + " clients, all of them busy";
  if (limits.open_files == 0)
    return Error(Code::overloaded,
                 message + ": limits.max_clients = " + std::to_string(limits.max_clients),
                 "Raise max_clients in the agent's configuration, or let fewer backends call "
                 "functions at once.");
  return Error(Code::overloaded,
               message + ": it may have " + std::to_string(limits.open_files) +
                   " open files (RLIMIT_NOFILE), which is enough for " +
                   std::to_string(limits.max_clients),
               "Raise LimitNOFILE= of nae-agent's unit.");
}

Result<void> Agent::reload(const Config& config) {
  if (stopping_) return {};
  NAE_ASSIGN(std::vector<UpstreamSettings> upstreams, upstream_settings(config));
  config_.tls = config.tls;
  config_.renewal = config.renewal;
  config_.servers = config.servers;
  config_.discover = config.discover;
  config_.connections_per_server = config.connections_per_server;
  config_.programs = config.programs;
  listener_->for_each([](net::Connection& connection) { connection.reexamine(); });
  broker_.use(std::move(upstreams), config_.discover);
  ++counters_.reloads;
  renewal_.use(config_);
  return {};
}

// Requests under way stay on the connections that they are on.
void Agent::use_renewed() {
  if (stopping_) return;
  auto upstreams = upstream_settings(config_);
  if (upstreams) return broker_.use(*std::move(upstreams), config_.discover);
  spdlog::error("event=renewed_certificate_unusable code={} reason={}",
                name(upstreams.error().code), quoted_text(upstreams.error().message));
}

Result<AttestedProgram> Agent::attest_peer(int descriptor) {
  auto attested = [&]() -> Result<AttestedProgram> {
    NAE_ASSIGN(PeerProcess peer, inspector_.inspect(descriptor));
    return attest(config_.programs, peer);
  }();
  if (!attested) ++counters_.programs_refused;
  return attested;
}

void Agent::stop() {
  if (std::exchange(stopping_, true)) {
    loop_.stop();  // asked twice: at once
    return;
  }
  metrics_.reset();
  renewal_.stop();
  stop_timer_.expires_after(config_.limits.stop_timeout);
  stop_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    spdlog::warn("event=stop_cut clients={}", listener_->connections());
    listener_->abort_all(Error(Code::shutting_down, "the agent stops"));
    boost::asio::post(loop_, [this] { loop_.stop(); });  // after the connections have ended
  });
  listener_->begin_stop([this] { boost::asio::post(loop_, [this] { loop_.stop(); }); });
}

}  // namespace nae::agent
