// MonitoringListener: GET /metrics and GET /health over plain HTTP/1.1, on this host's loopback
// alone. Whoever is on the host may read what they say: counters.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <functional>
#include <memory>

#include "gateway/metrics.hpp"
#include "libnae/base/result.hpp"
#include "net/connector.hpp"

namespace nae::gateway {

// Lives on `loop`. A peer has five seconds for its request; eight are served at a time.
class MonitoringListener {
 public:
  using IsUp = std::function<bool()>;

  // Code::conflict when somebody else listens there.
  static Result<std::unique_ptr<MonitoringListener>> listen(boost::asio::io_context& loop,
                                                            const net::Endpoint& address,
                                                            const Metrics& metrics, IsUp is_up);
  ~MonitoringListener();

 private:
  MonitoringListener(boost::asio::ip::tcp::acceptor acceptor, const Metrics& metrics, IsUp is_up);
  static boost::asio::awaitable<void> accept(
      std::shared_ptr<boost::asio::ip::tcp::acceptor> acceptor, const Metrics& metrics, IsUp is_up);
  static boost::asio::awaitable<void> answer(boost::beast::tcp_stream stream,
                                             const Metrics& metrics, IsUp is_up,
                                             std::shared_ptr<void> place);

  std::shared_ptr<boost::asio::ip::tcp::acceptor> acceptor_;
};

}  // namespace nae::gateway
