// Records in this key server's audit log how far those of the others of its group have come.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <string>

#include "keyserver/audit/log.hpp"
#include "keyserver/config/config.hpp"
#include "keyserver/server/repeating.hpp"
#include "keyserver/store/nodes.hpp"

namespace nae::server {

// On the loop's thread, whose other work may wait as well: it waits for the store.
class WitnessWatch {
 public:
  WitnessWatch(boost::asio::io_context& loop, const config::Config& config, store::Nodes& nodes,
               audit::Log& log);

  void start();  // looks at once, and then at intervals
  // Records the newest head of each other node that was not recorded yet. What could not be read or
  // written is looked at again the next time.
  Result<void> look();

 private:
  void look_and_tell();
  boost::asio::io_context& loop_;
  const std::string own_;
  store::Nodes& nodes_;
  audit::Log& log_;
  std::map<std::string, audit::ChainPoint> recorded_;
  Repeating again_;
};

}  // namespace nae::server
