#include "keyserver/server/nodes_watch.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <set>
#include <utility>

#include "keyserver/server/open_store.hpp"
#include "libnae/base/host.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/base/text.hpp"
#include "net/connector.hpp"

namespace nae::server {
namespace {

using Clock = std::chrono::steady_clock;

// One that is new has work after this, and one that has left is asked for so much longer.
constexpr std::chrono::milliseconds kBetweenReads{2'000};
constexpr std::chrono::milliseconds kLongestPause{30'000};
// Longer than any failover of a store takes.
constexpr std::int64_t kForgottenAfterMs = 600'000;

bool is_there(const store::Node& node) {
  return node.state != store::NodeState::left && node.fenced.empty() &&
         (!node.silent || node.quiet_ms < kForgottenAfterMs);
}

bool can_be_called(const std::string& address) {
  const auto endpoint = net::parse_endpoint(address);
  return endpoint && !is_every_interface(endpoint->host);
}

}  // namespace

wire::NodeList nodes_for_agents(const std::vector<store::Node>& nodes, const std::string& own,
                                const std::string& own_address) {
  wire::NodeList list;
  // A host's name may be what is no name of a node; such a server tells of nobody.
  if (!is_name(own)) return list;
  list.own = own;
  std::set<std::string> addresses{own_address};
  for (const store::Node& node : nodes) {
    if (node.name == own || !is_there(node) || !can_be_called(node.address)) continue;
    if (list.others.size() == wire::kMaxListedNodes || addresses.contains(node.address)) continue;
    list.others.push_back({node.name, node.address});
    std::ranges::sort(list.others, {}, &wire::ListedNode::name);
    // The format itself is the judge of what may stand in it.
    if (wire::well_formed(list))
      addresses.insert(node.address);
    else
      std::erase(list.others, wire::ListedNode{node.name, node.address});
  }
  return list;
}

NodesWatch::NodesWatch(boost::asio::io_context& loop, const config::Config& config,
                       store::Nodes& nodes, nae1::ToldNodes& told, std::function<void()> changed)
    : loop_(loop),
      is_of_group_(!config.store.url.empty()),
      own_(node_of(config)),
      own_address_(config::advertised(config)),
      nodes_(nodes),
      told_(told),
      changed_(std::move(changed)),
      again_(loop, kBetweenReads, [this] {
        if (Clock::now() >= not_before_) look();
      }) {}

void NodesWatch::start() {
  if (!is_of_group_) return;
  boost::asio::post(loop_, [this] { look(); });
  again_.start();
}

void NodesWatch::look() {
  const auto nodes = nodes_.list_nodes();
  if (!nodes) {
    // Each may take as long as a store that is dark makes it, and a stop waits for it.
    pause_ = std::min(pause_ * 2, kLongestPause);
    not_before_ = Clock::now() + pause_;
    spdlog::debug("event=nodes-unknown code={} message={}", name(nodes.error().code),
                  quoted_text(nodes.error().message));
    return;
  }
  pause_ = kBetweenReads;
  if (!told_.set(nodes_for_agents(*nodes, own_, own_address_))) return;
  std::string names;
  for (const wire::ListedNode& node : told_.get().others) names += " " + node.name;
  spdlog::info("event=nodes-told names={}", quoted_text(names.empty() ? "" : names.substr(1)));
  changed_();
}

}  // namespace nae::server
