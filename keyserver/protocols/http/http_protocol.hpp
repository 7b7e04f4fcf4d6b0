// HttpProtocol: puts the administration interface on a TLS connection (ALPN http/1.1).
#pragma once

#include "keyserver/protocols/http/http_gate.hpp"
#include "keyserver/protocols/http/http_service.hpp"
#include "keyserver/protocols/http/http_session.hpp"
#include "net/connection.hpp"
#include "net/receive_deadline.hpp"

namespace nae::http {

class HttpProtocol final : public net::Protocol {
 public:
  using Admits = std::function<bool(const net::PeerIdentity&)>;
  HttpProtocol(net::Connection& connection, HttpService& service, std::shared_ptr<HttpGate> gate,
               HttpGate::Seat seat, const HttpLimits& limits, const Admits& admits,
               std::optional<TurnedAway> turned_away = std::nullopt);

  ByteSpan receive_space() override { return session_.space(); }
  bool received(std::size_t bytes) override;
  bool still_admitted() override;
  void begin_shutdown() override { session_.stop(); }
  bool busy() const override { return session_.waiting(); }
  void closed(const Error&) override { deadline_.cancel(); }

 private:
  void on_request(HttpRequest&& request);
  void dispatch(HttpRequest&& request);
  void refuse_at_door(HttpRequest&& request);
  void turn_away();
  void answer_soon(HttpResponse response);
  void refuse_for_now(const HttpGate::Refusal& refusal);
  void answered(const HttpResponse& response);
  void too_late();

  net::Connection& connection_;
  HttpService& service_;
  std::shared_ptr<HttpGate> gate_;
  HttpGate::Seat seat_;
  HttpLimits limits_;
  const Admits& admits_;
  std::optional<TurnedAway> turned_away_;  // why the first request is not answered but refused
  HttpSession session_;
  net::ReceiveDeadline deadline_;  // of the request being read
};

// What a listener needs for its http/1.1 connections. Destroyed after the threads of the
// connections have stopped and before their loops go: calls on their way are finished here, and
// their answers posted there.
class HttpProtocols {
 public:
  HttpProtocols(std::unique_ptr<HttpService> service, HttpProtocol::Admits admits,
                HttpLimits limits, const GateLimits& gate)
      : limits_(limits),
        gate_(std::make_shared<HttpGate>(gate)),
        admits_(std::move(admits)),
        service_(std::move(service)) {}

  net::ProtocolFactory protocol();

 private:
  HttpLimits limits_;
  std::shared_ptr<HttpGate> gate_;  // also of connections that are on their way out
  HttpProtocol::Admits admits_;
  std::unique_ptr<HttpService> service_;
};

}  // namespace nae::http
