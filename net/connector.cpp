#include "net/connector.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/tls_stream.hpp"

namespace nae::net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

class Attempt final : public ConnectAttempt, public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(boost::asio::io_context& loop, TlsContext context, Endpoint endpoint,
          const ConnectionLimits& limits, ProtocolFactory protocol, OnAttemptClosed on_close)
      : loop_(loop),
        context_(std::move(context)),
        endpoint_(std::move(endpoint)),
        limits_(limits),
        protocol_(std::move(protocol)),
        on_close_(std::move(on_close)),
        resolver_(loop),
        socket_(loop),
        timer_(loop) {}

  void start() {
    timer_.expires_after(limits_.handshake_timeout);
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->give_up(Error(Code::timeout, "no answer in time"));
    });
    // One thread looks up all names of a loop: what is none does not wait for it.
    error_code is_name;
    const auto address = boost::asio::ip::make_address(endpoint_.host, is_name);
    if (!is_name) {
      socket_.async_connect(
          tcp::endpoint(address, endpoint_.port),
          [self = shared_from_this()](const error_code& error) { self->connected(error); });
      return;
    }
    resolver_.async_resolve(endpoint_.host, std::to_string(endpoint_.port),
                            tcp::resolver::numeric_service,
                            [self = shared_from_this()](const error_code& error, auto found) {
                              self->resolved(error, found);
                            });
  }

  void cancel() override {
    on_close_ = nullptr;
    protocol_ = nullptr;
    end_attempt();
    if (auto connection = connection_.lock())
      connection->abort(Error(Code::shutting_down, "given up"));
  }

 private:
  void resolved(const error_code& error, const tcp::resolver::results_type& found) {
    if (!protocol_) return;
    if (error) return give_up(Error(Code::server_unavailable, error.message()));
    boost::asio::async_connect(socket_, found,
                               [self = shared_from_this()](const error_code& failed, const auto&) {
                                 self->connected(failed);
                               });
  }

  void connected(const error_code& error) {
    if (!protocol_) return;
    if (error) return give_up(Error(Code::server_unavailable, error.message()));
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.native_non_blocking(true, ignored);
    timer_.cancel();
    auto stream = TlsStream::connect(context_, socket_.native_handle(), endpoint_.host);
    if (!stream) return give_up(std::move(stream).error());
    socket_.release(ignored);
    auto connection =
        std::make_shared<Connection>(loop_, *std::move(stream), to_string(endpoint_), limits_);
    connection_ = connection;
    connection->start(
        [self = shared_from_this()](Connection& opened) {
          return self->protocol_ ? std::exchange(self->protocol_, nullptr)(opened) : nullptr;
        },
        [self = shared_from_this()](Connection&, const Error& reason) { self->report(reason); });
  }

  void end_attempt() {
    error_code ignored;
    timer_.cancel();
    resolver_.cancel();
    socket_.close(ignored);
  }

  void give_up(const Error& reason) {
    end_attempt();
    protocol_ = nullptr;
    report(reason);
  }

  void report(const Error& reason) {
    auto on_close = std::exchange(on_close_, nullptr);
    if (!on_close) return;
    std::string message =
        reason.message.empty() ? "the server closed the connection" : reason.message;
    on_close(Error(reason.code, to_string(endpoint_) + ": " + message, reason.hint));
  }

  boost::asio::io_context& loop_;
  TlsContext context_;
  Endpoint endpoint_;
  ConnectionLimits limits_;
  ProtocolFactory protocol_;
  OnAttemptClosed on_close_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::weak_ptr<Connection> connection_;
};

}  // namespace

std::shared_ptr<ConnectAttempt> connect_tls(boost::asio::io_context& loop, TlsContext context,
                                            const Endpoint& endpoint,
                                            const ConnectionLimits& limits,
                                            ProtocolFactory protocol, OnAttemptClosed on_close) {
  auto attempt = std::make_shared<Attempt>(loop, std::move(context), endpoint, limits,
                                           std::move(protocol), std::move(on_close));
  attempt->start();
  return attempt;
}

}  // namespace nae::net
