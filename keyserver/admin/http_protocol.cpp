#include "keyserver/admin/http_protocol.hpp"

namespace nae::admin {

HttpProtocol::HttpProtocol(net::Connection& connection, AdminService& service,
                           const HttpLimits& limits)
    : connection_(connection),
      service_(service),
      session_([this](HttpRequest&& request) { on_request(std::move(request)); }, limits) {}

bool HttpProtocol::received(std::size_t bytes) {
  return session_.received(bytes, connection_.output());
}

void HttpProtocol::on_request(HttpRequest&& request) {
  connection_.pause_reading();
  // The connection keeps this protocol as long as it lives itself, closed or not.
  auto connection = connection_.shared_from_this();
  service_.dispatch(std::move(request), {connection_.peer(), connection_.remote_address()},
                    [this, connection](HttpResponse response) {
                      connection->post([this, response = std::move(response)](net::Connection&) {
                        answered(response);
                      });
                    });
}

void HttpProtocol::answered(const HttpResponse& response) {
  if (!connection_.is_open()) return;
  if (!session_.answer(response, connection_.output())) return connection_.close_after_flush();
  connection_.flush();
  if (!session_.waiting()) connection_.resume_reading();
}

net::ProtocolFactory HttpProtocols::protocol() {
  return [this](net::Connection& connection) {
    return std::make_unique<HttpProtocol>(connection, service_, limits_);
  };
}

}  // namespace nae::admin
