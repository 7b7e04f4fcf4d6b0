#include "agent/discovery.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "libnae/base/host.hpp"

namespace nae::agent {
namespace {

bool is_same_host(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

bool is_of_this_machine(const std::string& host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return error ? is_same_host(host, "localhost") : address.is_loopback();
}

}  // namespace

void Discovery::configure(const std::vector<std::string>& servers, bool enabled) {
  const bool is_same = servers == configured_ && enabled == enabled_;
  configured_ = servers;
  enabled_ = enabled;
  if (is_same) return;
  lists_.clear();
  names_.clear();
  greeted_.clear();
  found_.clear();
  since_.clear();
  tried_.clear();
}

void Discovery::tell(const std::string& server, const wire::NodeList& nodes) {
  if (!enabled_) return;
  greeted_.insert(server);
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
    const auto known = lists_.find(server);
    return server == address || (known != lists_.end() && known->second.own == name);
  });
}

bool Discovery::is_another(const std::string& server, const std::string& own, const Found& node) {
  const auto endpoint = net::parse_endpoint(server);
  if (!endpoint || *endpoint == node.endpoint || own == node.name) return false;
  // On the agent's own machine all are at one host.
  return is_of_this_machine(node.endpoint.host) ||
         !is_same_host(endpoint->host, node.endpoint.host);
}

bool Discovery::is_named(const Found& node) const {
  return std::ranges::any_of(lists_, [&](const auto& list) {
    if (!is_another(list.first, list.second.own, node)) return false;
    return std::ranges::any_of(list.second.others, [&](const wire::ListedNode& other) {
      const auto endpoint = net::parse_endpoint(other.address);
      return other.name == node.name && endpoint && *endpoint == node.endpoint;
    });
  });
}

bool Discovery::stays(const Found& node) const {
  const std::string address = net::to_string(node.endpoint);
  if (is_configured(node.name, address)) return false;
  const bool others = std::ranges::any_of(
      lists_, [&](const auto& list) { return is_another(list.first, list.second.own, node); });
  return !others || is_named(node);
}

bool Discovery::needs_no_lookup(const std::string& host) const {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error || std::ranges::any_of(configured_, [&](const std::string& server) {
    const auto endpoint = net::parse_endpoint(server);
    return endpoint && endpoint->host == host;
  });
}

std::vector<Discovery::Found> Discovery::candidates() {
  std::vector<Found> all;
  passed_over_.clear();
  for (const auto& [server, list] : lists_)
    for (const wire::ListedNode& node : list.others) {
      const auto endpoint = net::parse_endpoint(node.address);
      if (!endpoint || is_every_interface(endpoint->host)) continue;
      if (is_configured(node.name, net::to_string(*endpoint))) continue;
      if (!is_another(server, list.own, {node.name, *endpoint})) continue;
      if (!needs_no_lookup(endpoint->host)) {
        passed_over_ = node.address;
        continue;
      }
      const auto is_there = [&](const std::vector<Found>& known) {
        return std::ranges::find(known, *endpoint, &Found::endpoint) != known.end();
      };
      if (!is_there(found_) && !is_there(all)) all.push_back({node.name, *endpoint});
    }
  return all;
}

void Discovery::leave(const Found& node, TimePoint now) {
  const std::string server = net::to_string(node.endpoint);
  since_.erase(server);
  lists_.erase(server);
  if (!has_greeted(node)) tried_[server] = now;
}

// Who named many that are not there keeps nobody out who is.
void Discovery::make_room(std::size_t wanted, TimePoint now) {
  std::erase_if(found_, [&](const Found& node) {
    if (wanted == 0 || has_greeted(node)) return false;
    if (now - since_.at(net::to_string(node.endpoint)) < kTimeToGreet) {
      more_later_ = true;
      return false;
    }
    --wanted;
    leave(node, now);
    return true;
  });
}

bool Discovery::may_be_new(TimePoint now) {
  const auto more = (now - counted_at_) / kBetweenNew;
  if (more >= kNewAtOnce - new_at_once_) {
    new_at_once_ = kNewAtOnce;
    counted_at_ = now;
  } else {
    new_at_once_ += static_cast<int>(more);
    counted_at_ += more * kBetweenNew;
  }
  if (new_at_once_ == 0) return false;
  --new_at_once_;
  return true;
}

bool Discovery::update(TimePoint now) {
  const std::vector<Found> before = found_;
  more_later_ = false;
  std::erase_if(found_, [&](const Found& node) {
    if (stays(node)) return false;
    leave(node, now);
    return true;
  });
  std::erase_if(tried_, [&](const auto& tried) { return now - tried.second >= kTimeToGreet; });
  std::vector<Found> more = candidates();
  const auto is_tried = [&](const Found& node) {
    return tried_.contains(net::to_string(node.endpoint));
  };
  if (std::erase_if(more, is_tried) > 0) more_later_ = true;
  if (found_.size() + more.size() > kMost) {
    make_room(found_.size() + more.size() - kMost, now);
    std::ranges::shuffle(more, random_);
  }
  for (Found& node : more) {
    if (found_.size() == kMost) break;
    if (!may_be_new(now)) {
      more_later_ = true;
      break;
    }
    since_[net::to_string(node.endpoint)] = now;
    found_.push_back(std::move(node));
  }
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
