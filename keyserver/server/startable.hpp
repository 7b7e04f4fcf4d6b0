// Startable: a key server that has everything but its port.
#pragma once

#include "keyserver/server/opened.hpp"
#include "keyserver/server/server.hpp"

namespace nae::server {

class Startable : public Server {
 public:
  // Opens the port and records the start. After a failure it is of no use any more.
  virtual Result<void> listen() = 0;
};

// One attempt; may block.
Result<std::unique_ptr<Startable>> prepare(const config::Config& config, Opening& opening);

}  // namespace nae::server
