// HttpProtocol: puts the administration interface on a TLS connection (ALPN http/1.1).
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "keyserver/admin/admin_service.hpp"
#include "keyserver/admin/http_gate.hpp"
#include "keyserver/admin/http_session.hpp"
#include "net/connection.hpp"

namespace nae::admin {

class HttpProtocol final : public net::Protocol {
 public:
  HttpProtocol(net::Connection& connection, AdminService& service, std::shared_ptr<HttpGate> gate,
               HttpGate::Seat seat, const HttpLimits& limits);

  ByteSpan receive_space() override { return session_.space(); }
  bool received(std::size_t bytes) override;
  void begin_shutdown() override { session_.stop(); }
  bool busy() const override { return session_.waiting(); }
  void closed(const Error&) override { deadline_.cancel(); }

 private:
  void on_request(HttpRequest&& request);
  void refuse_for_now(const HttpGate::Refusal& refusal);
  void answered(const HttpResponse& response);
  void watch_deadline();
  void too_late();

  net::Connection& connection_;
  AdminService& service_;
  std::shared_ptr<HttpGate> gate_;
  HttpGate::Seat seat_;
  HttpLimits limits_;
  HttpSession session_;
  boost::asio::steady_timer deadline_;  // of the request being read
  bool deadline_runs_ = false;
};

// What a listener needs for its http/1.1 connections. Destroyed after the threads of the
// connections have stopped and before their loops go: calls on their way are finished here, and
// their answers posted there.
class HttpProtocols {
 public:
  HttpProtocols(const AdminParts& parts, HttpLimits limits, const GateLimits& gate)
      : limits_(limits), gate_(std::make_shared<HttpGate>(gate)), service_(parts) {}

  net::ProtocolFactory protocol();

 private:
  HttpLimits limits_;
  std::shared_ptr<HttpGate> gate_;  // also of connections that are on their way out
  AdminService service_;
};

}  // namespace nae::admin
