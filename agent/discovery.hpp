// Discovery: which key servers an agent uses beside those that its configuration names, from what
// the connected ones say of their group (docs/spec/wire.md, "Nodes"). It makes no connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libnae/wire/node_list.hpp"
#include "net/connector.hpp"

namespace nae::agent {

class Discovery {
 public:
  struct Found {
    std::string name;  // of the node
    net::Endpoint endpoint;
    friend bool operator==(const Found&, const Found&) = default;
  };
  // Each is some connections, and what names them may be out to make many. Of a larger group an
  // agent uses so many, chosen at random, so that agents differ.
  static constexpr std::size_t kMost = 15;
  using Clock = std::chrono::steady_clock;
  using TimePoint = Clock::time_point;
  // So many new addresses at once, then one in each interval: an agent is nobody's scanner.
  static constexpr int kNewAtOnce = 15;
  static constexpr std::chrono::seconds kBetweenNew{2};
  // One that has not greeted for so long gives its place to another, and one that never has and is
  // used no more is not tried again for so long.
  static constexpr std::chrono::seconds kTimeToGreet{30};

  explicit Discovery(std::uint32_t seed = std::random_device{}()) : random_(seed) {}

  // The servers of the configuration, as net::to_string(). Other ones than before: what was found
  // by those is forgotten. Not enabled: nothing is ever found.
  void configure(const std::vector<std::string>& servers, bool enabled);
  // What a connected server says. Servers are named as net::to_string() writes their endpoints.
  void tell(const std::string& server, const wire::NodeList& nodes);
  // Who has a connection; what the others have said does not count any more.
  void keep(const std::set<std::string>& connected) {
    std::erase_if(lists_, [&](const auto& list) { return !connected.contains(list.first); });
  }

  // Looks at all that is said: a node is used that any connected server names, and no more when
  // servers beside itself are connected and none of them names it. With nobody connected, and with
  // none but itself, it stays: they may all be away. True when that changes found().
  bool update(TimePoint now = Clock::now());
  // More are named, and may be used at a later time without anybody saying anything.
  bool more_later() const { return more_later_; }
  // One that is named and not used: a name whose answer hangs would keep the lookups of the
  // configuration's servers waiting, so none is looked up that the configuration does not have.
  const std::string& passed_over() const { return passed_over_; }
  // In the order in which they were found.
  const std::vector<Found>& found() const { return found_; }
  bool is_found(const std::string& server) const;
  // The name of the node that answers there, as far as it said one.
  std::string node_at(const std::string& server) const;

 private:
  // Whether what `server` says, which calls itself `own`, is another's word of that node. What is
  // on the same host is not: who has the host's certificate may listen at many ports.
  static bool is_another(const std::string& server, const std::string& own, const Found& node);
  bool is_named(const Found& node) const;
  // By another one than itself; lists of nobody else are no word against it either.
  bool stays(const Found& node) const;
  // It is a server of the configuration, or one that is connected is known by that name.
  bool is_configured(const std::string& name, const std::string& address) const;
  std::vector<Found> candidates();
  bool needs_no_lookup(const std::string& host) const;
  bool has_greeted(const Found& node) const {
    return greeted_.contains(net::to_string(node.endpoint));
  }
  void leave(const Found& node, TimePoint now);
  void make_room(std::size_t wanted, TimePoint now);
  bool may_be_new(TimePoint now);

  bool enabled_ = false;
  std::vector<std::string> configured_;
  std::map<std::string, wire::NodeList> lists_;  // of who is connected
  std::map<std::string, std::string> names_;     // of nodes, by server; also of who is away
  std::set<std::string> greeted_;                // at some time
  std::vector<Found> found_;
  std::map<std::string, TimePoint> since_;  // of found_, by server
  std::map<std::string, TimePoint> tried_;  // in vain, and when that was given up
  int new_at_once_ = kNewAtOnce;
  TimePoint counted_at_;
  bool more_later_ = false;
  std::string passed_over_;
  std::minstd_rand random_;
};

}  // namespace nae::agent
