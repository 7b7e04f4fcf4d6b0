#include "gateway/monitoring_listener.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::uint32_t kMaxRequestBytes = 8u << 10;
constexpr long kMaxVisitors = 8;
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::seconds kAcceptPause{1};

http::response<http::string_body> answer_of(const http::request_header<>& request,
                                            const Metrics& metrics, bool is_up) {
  http::response<http::string_body> answer(http::status::ok, 11);
  answer.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
  if (request.method() != http::verb::get) {
    answer.result(http::status::method_not_allowed);
    answer.body() = "only GET\n";
  } else if (request.target() == "/metrics") {
    answer.body() = metrics.text(is_up);
  } else if (request.target() == "/health") {
    answer.result(is_up ? http::status::ok : http::status::service_unavailable);
    answer.body() = is_up ? "good\n" : "no connection to nae-agent\n";
  } else {
    answer.result(http::status::not_found);
    answer.body() = "only /metrics and /health\n";
  }
  answer.keep_alive(false);
  answer.prepare_payload();
  return answer;
}

}  // namespace

MonitoringListener::MonitoringListener(tcp::acceptor acceptor, const Metrics& metrics, IsUp is_up)
    : acceptor_(std::make_shared<tcp::acceptor>(std::move(acceptor))) {
  asio::co_spawn(acceptor_->get_executor(), accept(acceptor_, metrics, std::move(is_up)),
                 asio::detached);
}

MonitoringListener::~MonitoringListener() {
  ErrorCode ignored;
  acceptor_->close(ignored);
}

Result<std::unique_ptr<MonitoringListener>> MonitoringListener::listen(asio::io_context& loop,
                                                                       const net::Endpoint& address,
                                                                       const Metrics& metrics,
                                                                       IsUp is_up) {
  const tcp::endpoint endpoint(asio::ip::make_address(address.host), address.port);
  tcp::acceptor acceptor(loop);
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error)
    return fail(Code::conflict,
                "cannot listen for metrics on " + net::to_string(address) + ": " + error.message(),
                "Choose another metrics_listen.");
  return std::unique_ptr<MonitoringListener>(
      new MonitoringListener(std::move(acceptor), metrics, std::move(is_up)));
}

awaitable<void> MonitoringListener::accept(std::shared_ptr<tcp::acceptor> acceptor,
                                           const Metrics& metrics, IsUp is_up) {
  const auto places = std::make_shared<int>();
  while (acceptor->is_open()) {
    ErrorCode error;
    tcp::socket socket =
        co_await acceptor->async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      asio::steady_timer pause(acceptor->get_executor(), kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    if (places.use_count() > kMaxVisitors) continue;
    asio::co_spawn(acceptor->get_executor(),
                   answer(boost::beast::tcp_stream(std::move(socket)), metrics, is_up, places),
                   asio::detached);
  }
}

awaitable<void> MonitoringListener::answer(boost::beast::tcp_stream stream, const Metrics& metrics,
                                           IsUp is_up, std::shared_ptr<void> place) {
  boost::beast::flat_buffer buffer(kMaxRequestBytes);
  http::request_parser<http::empty_body> parser;
  ErrorCode error;
  stream.expires_after(kPatience);
  co_await http::async_read_header(stream, buffer, parser,
                                   asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;
  auto said = answer_of(parser.get(), metrics, is_up());
  co_await http::async_write(stream, said, asio::redirect_error(asio::use_awaitable, error));
  stream.socket().shutdown(tcp::socket::shutdown_send, error);
  static_cast<void>(place);
}

}  // namespace nae::gateway
