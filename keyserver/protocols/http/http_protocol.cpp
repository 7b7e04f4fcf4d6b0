#include "keyserver/protocols/http/http_protocol.hpp"
#include "libnae/base/log_text.hpp"

#include <spdlog/spdlog.h>

namespace nae::http {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

HttpProtocol::HttpProtocol(net::Connection& connection, HttpService& service,
                           std::shared_ptr<HttpGate> gate, HttpGate::Seat seat,
                           const HttpLimits& limits, const Admits& admits,
                           std::optional<TurnedAway> turned_away)
    : connection_(connection),
      service_(service),
      gate_(std::move(gate)),
      seat_(std::move(seat)),
      limits_(limits),
      admits_(admits),
      turned_away_(std::move(turned_away)),
      session_([this](HttpRequest&& request) { on_request(std::move(request)); }, limits),
      deadline_(connection, limits.request_timeout, [this] { too_late(); }) {
  const bool at_door = seat_.room() == Room::door || turned_away_;
  connection_.set_idle_timeout(at_door ? limits_.request_timeout : limits_.idle_timeout);
}

bool HttpProtocol::received(std::size_t bytes) {
  bool keep = session_.received(bytes, connection_.output());
  deadline_.watch(session_.reading(), false);
  return keep;
}

void HttpProtocol::on_request(HttpRequest&& request) {
  connection_.pause_reading();
  if (turned_away_) return turn_away();
  if (auto refusal = gate_->request(seat_, Clock::now()); refusal.retry_after_s != 0)
    return refuse_for_now(refusal);
  if (seat_.room() == Room::door || !admits_(connection_.peer()))
    return refuse_at_door(std::move(request));
  dispatch(std::move(request));
}

// An administrator or a device that was removed, or that this server never had: told so once.
void HttpProtocol::refuse_at_door(HttpRequest&& request) {
  session_.stop();
  // Calls are refused where they are recorded.
  if (request.target.starts_with("/v1")) return dispatch(std::move(request));
  answer_soon(problem(
      Error(Code::certificate_rejected, "the certificate of " + connection_.peer().name +
                                            " was removed, or this server never issued it")));
}

void HttpProtocol::turn_away() {
  session_.stop();
  HttpResponse response = problem(turned_away_->error);
  response.retry_after_s = turned_away_->retry_after_s;
  answer_soon(std::move(response));
}

bool HttpProtocol::still_admitted() {
  if (seat_.room() == Room::door || turned_away_ || admits_(connection_.peer())) return true;
  session_.stop();
  return session_.waiting();  // the answer that is under way is the last
}

void HttpProtocol::dispatch(HttpRequest&& request) {
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
  answer_soon(std::move(response));
}

void HttpProtocol::answer_soon(HttpResponse response) {
  connection_.post(
      [this, response = std::move(response)](net::Connection&) { answered(response); });
}

void HttpProtocol::answered(const HttpResponse& response) {
  if (!connection_.is_open()) return;
  if (!session_.answer(response, connection_.output())) return connection_.close_after_flush();
  deadline_.watch(session_.reading(), true);
  connection_.flush();
  if (!session_.waiting()) connection_.resume_reading();
}

void HttpProtocol::too_late() {
  if (!session_.reading()) return;
  session_.expire(connection_.output());
  connection_.close_after_flush();
}

net::ProtocolFactory HttpProtocols::protocol() {
  return [this](net::Connection& connection) -> std::unique_ptr<net::Protocol> {
    const net::PeerIdentity& peer = connection.peer();
    const Room room = !admits_(peer)                      ? Room::door
                      : peer.kind == net::PeerKind::admin ? Room::administrators
                                                          : Room::devices;
    auto seat = gate_->enter(room, peer.name, Clock::now());
    if (seat)
      return std::make_unique<HttpProtocol>(connection, *service_, gate_, *std::move(seat), limits_,
                                            admits_);
    spdlog::warn("event=connection_refused remote={} peer={} code={} reason={}",
                 connection.remote_address(), connection.peer().name, name(seat.error().error.code),
                 quoted_text(seat.error().error.message));
    // Who is not admitted need not come again.
    auto way_out = room == Room::door ? std::nullopt : gate_->see_out(peer.name, Clock::now());
    if (!way_out) return nullptr;
    return std::make_unique<HttpProtocol>(connection, *service_, gate_, *std::move(way_out),
                                          limits_, admits_, std::move(seat).error());
  };
}

}  // namespace nae::http
