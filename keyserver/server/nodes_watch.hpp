// Looks again and again who else is of this key server's group, for agents to be told.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "keyserver/config/config.hpp"
#include "keyserver/protocols/nae1/told_nodes.hpp"
#include "keyserver/server/repeating.hpp"
#include "keyserver/store/nodes.hpp"

namespace nae::server {

// Of the nodes in a store, in the order of their names, those that agents may ask beside `own`,
// which is at `own_address`: not who has left or is fenced, and who is silent only for a while, so
// that a store which was away does not make all agents forget all nodes. What the rows say of
// themselves another key server wrote: what is no name or no address is left out.
wire::NodeList nodes_for_agents(const std::vector<store::Node>& nodes, const std::string& own,
                                const std::string& own_address);

// On the loop's thread, whose other work may wait as well: it waits for the store.
class NodesWatch {
 public:
  // `changed`: agents are to be told what `told` has now.
  NodesWatch(boost::asio::io_context& loop, const config::Config& config, store::Nodes& nodes,
             nae1::ToldNodes& told, std::function<void()> changed);

  // From then on; of a server whose store is its own nothing.
  void start();
  // While the store is away what was told last stays.
  void look();

 private:
  boost::asio::io_context& loop_;
  const bool is_of_group_;
  const std::string own_, own_address_;
  store::Nodes& nodes_;
  nae1::ToldNodes& told_;
  const std::function<void()> changed_;
  // While the store is away it is looked at less often.
  std::chrono::milliseconds pause_{2'000};
  std::chrono::steady_clock::time_point not_before_;
  Repeating again_;
};

}  // namespace nae::server
