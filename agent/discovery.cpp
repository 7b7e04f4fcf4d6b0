#include "agent/discovery.hpp"

#include <algorithm>

#include "libnae/base/host.hpp"

namespace nae::agent {

void Discovery::configure(const std::vector<std::string>& servers, bool enabled) {
  const bool is_same = servers == configured_ && enabled == enabled_;
  configured_ = servers;
  enabled_ = enabled;
  if (is_same) return;
  lists_.clear();
  names_.clear();
  found_.clear();
}

void Discovery::tell(const std::string& server, const wire::NodeList& nodes) {
  if (!enabled_) return;
  if (nodes.own.empty()) {
    // Of no group, or of a release that tells of none: no word against anybody.
    lists_.erase(server);
    names_.erase(server);
    return;
  }
  names_[server] = nodes.own;
  lists_[server] = nodes;
}

bool Discovery::is_configured(const std::string& name, const std::string& address) const {
  return std::ranges::any_of(configured_, [&](const std::string& server) {
    const auto known = names_.find(server);
    return server == address || (known != names_.end() && known->second == name);
  });
}

bool Discovery::is_named(const Found& node) const {
  return std::ranges::any_of(lists_, [&](const auto& list) {
    return std::ranges::any_of(list.second.others, [&](const wire::ListedNode& other) {
      const auto endpoint = net::parse_endpoint(other.address);
      return other.name == node.name && endpoint && *endpoint == node.endpoint;
    });
  });
}

bool Discovery::stays(const Found& node) const {
  const std::string address = net::to_string(node.endpoint);
  if (is_configured(node.name, address)) return false;
  // A list names nobody who tells it, so a node's own word never keeps it.
  const bool others = std::ranges::any_of(lists_, [&](const auto& list) {
    return list.first != address && list.second.own != node.name;
  });
  return !others || is_named(node);
}

std::vector<Discovery::Found> Discovery::candidates() const {
  std::vector<Found> all;
  for (const auto& [server, list] : lists_)
    for (const wire::ListedNode& node : list.others) {
      const auto endpoint = net::parse_endpoint(node.address);
      if (!endpoint || is_every_interface(endpoint->host)) continue;
      if (is_configured(node.name, net::to_string(*endpoint))) continue;
      const auto is_there = [&](const std::vector<Found>& known) {
        return std::ranges::find(known, *endpoint, &Found::endpoint) != known.end();
      };
      if (!is_there(found_) && !is_there(all)) all.push_back({node.name, *endpoint});
    }
  return all;
}

bool Discovery::update() {
  const std::vector<Found> before = found_;
  std::erase_if(found_, [&](const Found& node) { return !stays(node); });
  std::vector<Found> more = candidates();
  if (found_.size() + more.size() > kMost) std::ranges::shuffle(more, random_);
  for (Found& node : more)
    if (found_.size() < kMost) found_.push_back(std::move(node));
  return found_ != before;
}

bool Discovery::is_found(const std::string& server) const {
  return std::ranges::any_of(
      found_, [&](const Found& node) { return net::to_string(node.endpoint) == server; });
}

std::string Discovery::node_at(const std::string& server) const {
  const auto known = names_.find(server);
  return known == names_.end() ? "" : known->second;
}

}  // namespace nae::agent
