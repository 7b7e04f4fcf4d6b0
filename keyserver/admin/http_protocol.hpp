// HttpProtocol: puts the administration interface on a TLS connection (ALPN http/1.1).
#pragma once

#include "keyserver/admin/admin_service.hpp"
#include "keyserver/admin/http_session.hpp"
#include "net/connection.hpp"

namespace nae::admin {

class HttpProtocol final : public net::Protocol {
 public:
  HttpProtocol(net::Connection& connection, AdminService& service, const HttpLimits& limits);

  ByteSpan receive_space() override { return session_.space(); }
  bool received(std::size_t bytes) override;
  void begin_shutdown() override { session_.stop(); }
  bool busy() const override { return session_.waiting(); }

 private:
  void on_request(HttpRequest&& request);
  void answered(const HttpResponse& response);

  net::Connection& connection_;
  AdminService& service_;
  HttpSession session_;
};

// What a listener needs for its http/1.1 connections. Destroyed after the threads of the
// connections have stopped and before their loops go: calls on their way are finished here, and
// their answers posted there.
class HttpProtocols {
 public:
  explicit HttpProtocols(const AdminParts& parts, HttpLimits limits = {})
      : limits_(limits), service_(parts) {}

  net::ProtocolFactory protocol();

 private:
  HttpLimits limits_;
  AdminService service_;
};

}  // namespace nae::admin
