// UpstreamPool: connections to the application, kept between requests. Of one event loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <deque>
#include <memory>

#include "gateway/channel.hpp"
#include "gateway/config.hpp"
#include "gateway/tls.hpp"
#include "libnae/base/bytes.hpp"

namespace nae::gateway {

using WipedBuffer = boost::beast::basic_flat_buffer<WipingAllocator<char>>;

// Of what is read and not yet taken. Chunk extensions and trailers are taken as a whole, so that
// this is their limit; a header has one of its own below it.
inline constexpr std::size_t kMaxBufferedBytes = 128 << 10;

struct Upstream {
  Upstream(boost::asio::ip::tcp::socket socket, Deadlines& deadlines)
      : channel(std::move(socket), deadlines) {}
  Channel channel;
  WipedBuffer buffer{kMaxBufferedBytes};
  bool is_reused = false;  // it may have been closed while nobody looked
  net::Endpoint address;
  SharedTls context;  // with which it was made
};

class UpstreamPool {
 public:
  UpstreamPool(boost::asio::io_context& loop, Deadlines& deadlines)
      : loop_(loop), deadlines_(deadlines) {}

  // A kept connection, or where `fresh` or none is kept another one. Code::server_unavailable,
  // tls_failed.
  boost::asio::awaitable<Result<std::unique_ptr<Upstream>>> take(const Config& config,
                                                                 const SharedTls& context,
                                                                 bool fresh);
  // After an answer that was read to its end.
  void put_back(std::unique_ptr<Upstream> upstream, std::size_t keep);
  void clear() { kept_.clear(); }

 private:
  std::unique_ptr<Upstream> kept(const net::Endpoint& address, const SharedTls& context);

  boost::asio::io_context& loop_;
  Deadlines& deadlines_;
  std::deque<std::unique_ptr<Upstream>> kept_;  // the latest last
};

}  // namespace nae::gateway
