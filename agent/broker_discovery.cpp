// The key servers that the broker uses beside those of the configuration: which come and which go.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "agent/broker.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::agent {
namespace {

constexpr std::chrono::seconds kBetweenUpdates{1};

}  // namespace

// At most so often, whatever key servers tell meanwhile.
void Broker::update_discovered_soon() {
  if (std::exchange(discovered_due_, true)) return;
  discovery_timer_.expires_at(discovered_at_ + kBetweenUpdates);
  discovery_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    discovered_due_ = false;
    discovered_at_ = Discovery::Clock::now();
    std::set<std::string> connected;
    for (const auto& upstream : upstreams_)
      if (upstream->ready()) connected.insert(upstream->server());
    discovery_.keep(connected);
    if (discovery_.update(discovered_at_)) update_discovered();
    if (discovery_.more_later()) update_discovered_soon();
    if (discovery_.passed_over().empty() || std::exchange(told_passed_over_, true)) return;
    spdlog::warn("event=server_passed_over server={} hint={}", discovery_.passed_over(),
                 quoted_text("A key server's server.advertise must be a numeric address, or a host "
                             "that the agent's servers name: others are not looked up."));
  });
}

bool Broker::is_used(const std::string& server) const {
  return discovery_.is_found(server) ||
         std::ranges::any_of(configured_, [&](const UpstreamSettings& settings) {
           return net::to_string(settings.endpoint) == server;
         });
}

// Those of the configuration come first: they say of which store and state the others must be.
void Broker::name_servers() {
  std::vector<std::string> servers;
  const auto add = [&](const std::string& server) {
    if (std::ranges::find(servers, server) == servers.end()) servers.push_back(server);
  };
  for (const UpstreamSettings& settings : configured_) add(net::to_string(settings.endpoint));
  for (const Discovery::Found& node : discovery_.found()) add(net::to_string(node.endpoint));
  servers_ = servers.size();
  group_.configure(std::move(servers));
}

void Broker::update_discovered() {
  name_servers();
  const net::Endpoint& pattern = configured_.front().endpoint;
  bool dropped = false;
  for (const auto& upstream : upstreams_) {
    const std::string server = upstream->server();
    if (upstream->retired() || is_used(server)) continue;
    spdlog::info("event=server_dropped server={}", server);
    told_refusals_.erase(server);
    group_.left(server);
    if (this_turns_ == upstream.get()) this_turns_ = nullptr;
    upstream->drop(configured_.front().tls);
    dropped = true;
  }
  const std::size_t first_new = upstreams_.size();
  for (const Discovery::Found& node : discovery_.found()) {
    const bool has_some = std::ranges::any_of(upstreams_, [&](const auto& upstream) {
      return !upstream->retired() && upstream->settings().endpoint == node.endpoint;
    });
    if (has_some) continue;
    spdlog::info("event=server_discovered server={} node={}", net::to_string(node.endpoint),
                 node.name);
    for (const UpstreamSettings& settings : configured_) {
      if (settings.endpoint != pattern) continue;
      UpstreamSettings discovered = settings;
      discovered.endpoint = node.endpoint;
      upstreams_.push_back(std::make_unique<Upstream>(loop_, std::move(discovered), *this));
    }
  }
  for (std::size_t i = first_new; i < upstreams_.size(); ++i) upstreams_[i]->start();
  order_upstreams();
  if (dropped) boost::asio::post(loop_, [this] { sweep_retired(); });
}

// As least_loaded() goes through them: the first connections of all servers before the second ones,
// and those that are retired behind all.
void Broker::order_upstreams() {
  struct Placed {
    std::size_t place;
    std::unique_ptr<Upstream> upstream;
  };
  std::map<std::string, std::size_t> counted;
  std::vector<Placed> placed;
  for (auto& upstream : upstreams_) {
    const std::size_t place = upstream->retired() ? SIZE_MAX : counted[upstream->server()]++;
    placed.push_back({place, std::move(upstream)});
  }
  std::ranges::stable_sort(placed, {}, &Placed::place);
  for (std::size_t i = 0; i < placed.size(); ++i) upstreams_[i] = std::move(placed[i].upstream);
}

// Somebody named it as a key server of the group, and it cannot prove that it is one: it is not
// used, and somebody must look. Once for each reason, not at every attempt.
void Broker::alarm_of_discovered(const Upstream& upstream, const Error& reason) {
  const std::string server = upstream.server();
  const bool unproven = !upstream.proven() && (reason.code == Code::tls_failed ||
                                               reason.code == Code::certificate_rejected);
  if (!unproven || !discovery_.is_found(server)) return;
  ++counters_.discovered_refused;
  if (std::exchange(told_refusals_[server], reason.message) == reason.message) return;
  spdlog::error("event=discovered_server_refused server={} code={} reason={} hint={}", server,
                name(reason.code), quoted_text(reason.message),
                quoted_text("A key server's server.advertise must be a host that its certificate "
                            "is for; if nobody has said this one, look who can write the store."));
}

}  // namespace nae::agent
