// WaitingRoom: the key server's port while the server itself cannot start yet. It tells whoever
// asks what is missing.
#pragma once

#include <memory>

#include "keyserver/admin/starting_service.hpp"
#include "keyserver/config/config.hpp"
#include "keyserver/protocols/http/http_protocol.hpp"
#include "net/listener.hpp"

namespace nae::server {

class WaitingRoom {
 public:
  static Result<std::unique_ptr<WaitingRoom>> open(const config::Config& config,
                                                   admin::StartFailure failure);
  ~WaitingRoom();  // the port is free afterwards
  WaitingRoom(const WaitingRoom&) = delete;
  WaitingRoom& operator=(const WaitingRoom&) = delete;

  void tell(admin::StartFailure failure) { service_->set(std::move(failure)); }
  // New certificates, where they are good.
  void reload(const config::Config& config);

 private:
  WaitingRoom(const config::Config& config, std::unique_ptr<admin::StartingService> service);

  admin::StartingService* service_;  // of http_
  http::HttpProtocols http_;
  std::unique_ptr<net::WorkerThreads> workers_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace nae::server
