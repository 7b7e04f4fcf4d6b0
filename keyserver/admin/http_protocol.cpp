#include "keyserver/admin/http_protocol.hpp"

#include <spdlog/spdlog.h>

namespace nae::admin {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

HttpProtocol::HttpProtocol(net::Connection& connection, AdminService& service,
                           std::shared_ptr<HttpGate> gate, HttpGate::Seat seat,
                           const HttpLimits& limits)
    : connection_(connection),
      service_(service),
      gate_(std::move(gate)),
      seat_(std::move(seat)),
      limits_(limits),
      session_([this](HttpRequest&& request) { on_request(std::move(request)); }, limits),
      deadline_(connection.loop()) {
  connection_.set_idle_timeout(limits_.idle_timeout);
}

bool HttpProtocol::received(std::size_t bytes) {
  bool keep = session_.received(bytes, connection_.output());
  watch_deadline();
  return keep;
}

void HttpProtocol::on_request(HttpRequest&& request) {
  connection_.pause_reading();
  if (auto refusal = gate_->request(seat_, Clock::now()); refusal.retry_after_s != 0)
    return refuse_for_now(refusal);
  // The connection keeps this protocol as long as it lives itself, closed or not.
  auto connection = connection_.shared_from_this();
  service_.dispatch(std::move(request), {connection_.peer(), connection_.remote_address()},
                    [this, connection](HttpResponse response) {
                      connection->post([this, response = std::move(response)](net::Connection&) {
                        answered(response);
                      });
                    });
}

void HttpProtocol::refuse_for_now(const HttpGate::Refusal& refusal) {
  service_.count_limited({connection_.peer(), connection_.remote_address()}, refusal.first);
  HttpResponse response = problem(
      Error(Code::limit_exceeded, "this certificate makes too many requests",
            "Try again in " + std::to_string(refusal.retry_after_s) + " seconds, and less often."));
  response.retry_after_s = refusal.retry_after_s;
  connection_.post(
      [this, response = std::move(response)](net::Connection&) { answered(response); });
}

void HttpProtocol::answered(const HttpResponse& response) {
  if (!connection_.is_open()) return;
  if (!session_.answer(response, connection_.output())) return connection_.close_after_flush();
  watch_deadline();
  connection_.flush();
  if (!session_.waiting()) connection_.resume_reading();
}

// Starts with a request's first byte and ends with its last: no byte in between prolongs it.
void HttpProtocol::watch_deadline() {
  if (!session_.reading()) {
    deadline_.cancel();
    deadline_runs_ = false;
    return;
  }
  if (std::exchange(deadline_runs_, true)) return;
  deadline_.expires_after(limits_.request_timeout);
  deadline_.async_wait(
      [this, weak = connection_.weak_from_this()](boost::system::error_code error) {
        auto connection = weak.lock();
        if (!error && connection && connection->is_open()) too_late();
      });
}

void HttpProtocol::too_late() {
  if (!session_.reading()) return;
  session_.expire(connection_.output());
  connection_.close_after_flush();
}

net::ProtocolFactory HttpProtocols::protocol() {
  return [this](net::Connection& connection) -> std::unique_ptr<net::Protocol> {
    auto seat = gate_->enter(connection.peer().fingerprint_hex, Clock::now());
    if (seat)
      return std::make_unique<HttpProtocol>(connection, service_, gate_, *std::move(seat), limits_);
    spdlog::warn("event=connection_refused remote={} peer={} code={} reason=\"{}\"",
                 connection.remote_address(), connection.peer().name, name(seat.error().code),
                 seat.error().message);
    return nullptr;
  };
}

}  // namespace nae::admin
