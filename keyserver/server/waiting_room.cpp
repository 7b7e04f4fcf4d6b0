#include "keyserver/server/waiting_room.hpp"

#include <spdlog/spdlog.h>

#include "keyserver/protocols/nae1/starting_protocol.hpp"
#include "keyserver/server/part_options.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::server {

WaitingRoom::WaitingRoom(const config::Config& config,
                         std::unique_ptr<admin::StartingService> service)
    : service_(service.get()),
      // Who was removed stands in the store, which may be what is away. Nothing is done here.
      http_(
          std::move(service), [](const net::PeerIdentity&) { return true; }, http_limits(config),
          gate_limits(config)),
      workers_(std::make_unique<net::WorkerThreads>(1, "nae-waiting")) {}

Result<std::unique_ptr<WaitingRoom>> WaitingRoom::open(const config::Config& config,
                                                       admin::StartFailure failure) {
  NAE_ASSIGN(auto context, net::TlsContext::server(tls_files(config)));
  auto service = std::make_unique<admin::StartingService>();
  service->set(std::move(failure));
  std::unique_ptr<WaitingRoom> room(new WaitingRoom(config, std::move(service)));
  NAE_ASSIGN(const net::TlsListenerOptions options, listener_options(config));
  auto refusal = [told = room->service_] {
    Error error = told->failure().error;
    error.message = "it waits to start: " + error.message;
    return error;
  };
  NAE_ASSIGN(room->listener_,
             net::listen_tls(*room->workers_, std::move(context),
                             {{net::kAlpnNae, nae1::starting_protocol(std::move(refusal))},
                              {net::kAlpnHttp, room->http_.protocol()}},
                             options));
  return room;
}

WaitingRoom::~WaitingRoom() {
  if (listener_) listener_->stop(std::chrono::milliseconds(0));
  workers_->stop();
}

void WaitingRoom::reload(const config::Config& config) {
  auto context = net::TlsContext::server(tls_files(config));
  if (context)
    listener_->replace_context(std::move(*context));
  else
    spdlog::error("event=reload-failed code={} message={}", name(context.error().code),
                  quoted_text(context.error().message));
}

}  // namespace nae::server
