#include "gateway/upstream_pool.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// Bytes that nobody asked for, and the end, make a kept connection useless.
bool is_quiet(int descriptor) {
  char byte;
  const ssize_t got = ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

awaitable<Result<void>> shake_hands(Upstream& upstream, const Config& config,
                                    const SharedTls& context) {
  Channel::Tls& tls = upstream.channel.use_tls(*context);
  SSL_set_tlsext_host_name(tls.native_handle(), config.upstream.server_name.c_str());
  ErrorCode error;
  const auto limit = upstream.channel.limited_to(config.limits.connect_timeout);
  co_await tls.async_handshake(asio::ssl::stream_base::client,
                               asio::redirect_error(asio::use_awaitable, error));
  if (error)
    co_return fail(Code::tls_failed, "TLS with the application failed: " +
                                         upstream.channel.cause_of(error).message());
  co_return Result<void>();
}

}  // namespace

std::unique_ptr<Upstream> UpstreamPool::kept(const net::Endpoint& address,
                                             const SharedTls& context) {
  while (!kept_.empty()) {
    std::unique_ptr<Upstream> found = std::move(kept_.back());
    kept_.pop_back();
    if (found->address == address && found->context == context &&
        is_quiet(found->channel.socket().native_handle())) {
      found->is_reused = true;
      return found;
    }
  }
  return nullptr;
}

awaitable<Result<std::unique_ptr<Upstream>>> UpstreamPool::take(const Config& config,
                                                                const SharedTls& context,
                                                                bool fresh) {
  const net::Endpoint& address = config.upstream.address;
  if (!fresh)
    if (auto found = kept(address, context)) co_return std::move(found);
  ErrorCode error;
  tcp::resolver resolver(loop_);
  const auto found = co_await resolver.async_resolve(
      address.host, std::to_string(address.port), asio::redirect_error(asio::use_awaitable, error));
  std::unique_ptr<Upstream> made;
  if (!error) {
    boost::beast::tcp_stream stream(loop_);
    stream.expires_after(config.limits.connect_timeout);
    co_await stream.async_connect(found, asio::redirect_error(asio::use_awaitable, error));
    if (!error) made = std::make_unique<Upstream>(stream.release_socket(), deadlines_);
  }
  if (error)
    co_return fail(Code::server_unavailable, "cannot connect to the application at " +
                                                 net::to_string(address) + ": " + error.message());
  ErrorCode ignored;
  made->channel.socket().set_option(tcp::no_delay(true), ignored);
  made->address = address;
  made->context = context;
  if (context) {
    auto shaken = co_await shake_hands(*made, config, context);
    if (!shaken) co_return fail(shaken.error());
  }
  co_return std::move(made);
}

void UpstreamPool::put_back(std::unique_ptr<Upstream> upstream, std::size_t keep) {
  if (keep == 0) return;
  if (kept_.size() >= keep) kept_.pop_front();
  kept_.push_back(std::move(upstream));
}

}  // namespace nae::gateway
