#include "agent/metrics_listener.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <string_view>

#include "agent/loopback.hpp"

namespace nae::agent {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kMaxRequestBytes = 8u << 10;
constexpr std::size_t kMaxVisitors = 8;
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::seconds kPause{1};  // when no descriptor is left to accept with

std::string answer(std::string_view status, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + std::string(body);
}

}  // namespace

// One request of one peer. The listener holds it until it is answered or its time is over.
class MetricsListener::Visitor : public std::enable_shared_from_this<Visitor> {
 public:
  Visitor(MetricsListener& host, tcp::socket socket)
      : host_(&host), socket_(std::move(socket)), timer_(socket_.get_executor()) {}

  void start() {
    timer_.expires_after(kPatience);
    timer_.async_wait([self = shared_from_this()](ErrorCode error) {
      if (!error) self->end();
    });
    asio::async_read_until(socket_, asio::dynamic_buffer(request_, kMaxRequestBytes), "\r\n\r\n",
                           [self = shared_from_this()](ErrorCode error, std::size_t) {
                             if (self->host_ == nullptr) return;
                             error ? self->end() : self->reply();
                           });
  }

  void end() {
    timer_.cancel();
    ErrorCode ignored;
    socket_.close(ignored);
    if (MetricsListener* host = std::exchange(host_, nullptr))
      host->visitors_.erase(shared_from_this());
  }

 private:
  void reply() {
    const std::string_view line = std::string_view(request_).substr(0, request_.find("\r\n"));
    if (!line.starts_with("GET "))
      reply_ = answer("405 Method Not Allowed", "only GET\n");
    else if (line != "GET /metrics HTTP/1.1" && line != "GET /metrics HTTP/1.0")
      reply_ = answer("404 Not Found", "only /metrics\n");
    else
      reply_ = answer("200 OK", host_->text_());
    asio::async_write(socket_, asio::buffer(reply_),
                      [self = shared_from_this()](ErrorCode, std::size_t) { self->end(); });
  }

  MetricsListener* host_;  // nullptr once it has ended
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::string request_, reply_;
};

Result<std::unique_ptr<MetricsListener>> MetricsListener::listen(asio::io_context& loop,
                                                                 const net::Endpoint& address,
                                                                 Text text) {
  NAE_TRY(check_loopback(address));
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
  std::unique_ptr<MetricsListener> made(new MetricsListener(std::move(acceptor), std::move(text)));
  made->accept();
  return made;
}

MetricsListener::~MetricsListener() {
  while (!visitors_.empty()) (*visitors_.begin())->end();
}

void MetricsListener::accept() {
  acceptor_.async_accept([this](ErrorCode error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;  // the listener is gone
    if (!error && visitors_.size() < kMaxVisitors) {
      auto visitor = std::make_shared<Visitor>(*this, std::move(socket));
      visitors_.insert(visitor);
      visitor->start();
    }
    if (!error) return accept();
    pause_.expires_after(kPause);
    pause_.async_wait([this](ErrorCode stopped) {
      if (!stopped) accept();
    });
  });
}

}  // namespace nae::agent
