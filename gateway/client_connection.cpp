#include "gateway/client_connection.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libnae/base/log_text.hpp"

// g++ 12 takes the pair of operators that Asio gives to frames of coroutines for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kReadBytes = 16 << 10;
// What a client still writes that is answered already is read and thrown away: a connection that is
// closed over unread bytes is reset, and the answer with it.
constexpr std::size_t kMaxLingeringBytes = 1 << 20;
constexpr std::chrono::milliseconds kLingering{1'000};

}  // namespace

void ClientConnection::begin(Worker& worker, asio::ip::tcp::socket socket,
                             std::function<void()> on_end) {
  auto connection =
      std::make_shared<ClientConnection>(worker, std::move(socket), std::move(on_end));
  asio::co_spawn(
      worker.loop, [connection] { return connection->run(); },
      [connection](const std::exception_ptr& thrown) {
        if (!thrown) return;
        try {
          std::rethrow_exception(thrown);
        } catch (const std::exception& error) {
          spdlog::error("event=connection_failed reason={}", quoted_text(error.what()));
        }
      });
}

ClientConnection::ClientConnection(Worker& worker, asio::ip::tcp::socket socket,
                                   std::function<void()> on_end)
    : worker_(worker),
      channel_(std::move(socket), worker.deadlines),
      buffer_(kMaxBufferedBytes + worker.settings->config.limits.max_header_bytes),
      on_end_(std::move(on_end)) {
  ErrorCode error;
  const auto peer = channel_.socket().remote_endpoint(error);
  if (!error) client_.address = peer.address().to_string();
  channel_.socket().set_option(asio::ip::tcp::no_delay(true), error);
  const auto& trusted = worker.settings->config.trusted_proxies;
  client_.is_trusted = std::ranges::find(trusted, client_.address) != trusted.end();
  worker_.connections.insert(this);
  ++worker_.metrics.connections;
  ++worker_.metrics.open_connections;
}

ClientConnection::~ClientConnection() {
  worker_.connections.erase(this);
  --worker_.metrics.open_connections;
  on_end_();
}

void ClientConnection::drain() {
  if (is_idle_ || (exchange_ && exchange_->is_tunnel())) abort();
}

void ClientConnection::abort() {
  channel_.close();
  if (exchange_) exchange_->abort();
}

awaitable<bool> ClientConnection::shake_hands() {
  const SharedSettings settings = worker_.settings;
  if (!settings->client_tls) co_return true;
  Channel::Tls& tls = channel_.use_tls(*settings->client_tls);
  ErrorCode error;
  const auto limit = channel_.limited_to(settings->config.limits.header_timeout);
  co_await tls.async_handshake(asio::ssl::stream_base::server,
                               asio::redirect_error(asio::use_awaitable, error));
  client_.has_tls = !error;
  co_return !error;
}

// False when the client has nothing more to ask.
awaitable<bool> ClientConnection::wait_for_request() {
  if (buffer_.size() > 0) co_return true;
  if (worker_.draining) co_return false;
  ErrorCode error;
  const auto limit = channel_.limited_to(worker_.settings->config.limits.idle_timeout);
  is_idle_ = true;
  const std::size_t got = co_await channel_.async_read_some(
      buffer_.prepare(kReadBytes), asio::redirect_error(asio::use_awaitable, error));
  is_idle_ = false;
  buffer_.commit(got);
  co_return !error;
}

awaitable<void> ClientConnection::run() {
  bool goes_on = co_await shake_hands();
  while (goes_on) {
    goes_on = co_await wait_for_request();
    if (!goes_on) break;
    Exchange exchange(worker_, channel_, buffer_, client_);
    exchange_ = &exchange;
    goes_on = co_await exchange.run();
    exchange_ = nullptr;
    if (exchange.is_cut()) {
      channel_.close();
      co_return;
    }
  }
  co_await end();
}

awaitable<void> ClientConnection::end() {
  ErrorCode error;
  const auto limit = channel_.limited_to(kLingering);
  if (channel_.has_tls())
    co_await channel_.tls().async_shutdown(asio::redirect_error(asio::use_awaitable, error));
  channel_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
  std::size_t read = 0;
  for (error = {}; !error && read < kMaxLingeringBytes && channel_.socket().is_open();) {
    buffer_.clear();
    read += co_await channel_.socket().async_read_some(
        buffer_.prepare(kReadBytes), asio::redirect_error(asio::use_awaitable, error));
  }
  channel_.close();
}

}  // namespace nae::gateway
