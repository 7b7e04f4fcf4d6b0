#include "gateway/tunnel.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

constexpr std::size_t kPieceBytes = 16 << 10;

// Of both directions. Both channels have the limit: one side may be stuck in what the other does
// not take.
class Activity {
 public:
  Activity(Channel& client, Channel& upstream, std::chrono::milliseconds idle)
      : client_(client), upstream_(upstream), idle_(idle) {
    seen();
  }
  void seen() {
    client_limit_.emplace(client_, idle_);
    upstream_limit_.emplace(upstream_, idle_);
  }

 private:
  Channel &client_, &upstream_;
  const std::chrono::milliseconds idle_;
  std::optional<Channel::Limit> client_limit_, upstream_limit_;
};

awaitable<void> carry(TunnelEnd from, TunnelEnd to, Activity& activity, std::uint64_t& bytes) {
  boost::system::error_code error;
  while (true) {
    if (from.buffer.size() == 0) {
      const std::size_t got = co_await from.channel.async_read_some(
          from.buffer.prepare(kPieceBytes), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      from.buffer.commit(got);
      activity.seen();
    }
    const std::size_t sent = co_await asio::async_write(
        to.channel, from.buffer.data(), asio::redirect_error(asio::use_awaitable, error));
    bytes += sent;
    if (error) co_return;
    from.buffer.consume(sent);
  }
}

}  // namespace

awaitable<Carried> carry_both_ways(TunnelEnd client, TunnelEnd upstream,
                                   std::chrono::milliseconds idle) {
  using asio::experimental::awaitable_operators::operator||;
  Carried carried;
  Activity activity(client.channel, upstream.channel, idle);
  co_await (carry(client, upstream, activity, carried.from_client) ||
            carry(upstream, client, activity, carried.to_client));
  co_return carried;
}

}  // namespace nae::gateway
