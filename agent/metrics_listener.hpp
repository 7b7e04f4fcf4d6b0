// MetricsListener: answers GET /metrics over plain HTTP/1.1, on this host's loopback alone. Whoever
// is on the host may read what it says: counters and the addresses of key servers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "libnae/base/result.hpp"
#include "net/connector.hpp"

namespace nae::agent {

// Lives on `loop`. A peer has five seconds and 8 KiB for its request; eight are served at a time.
class MetricsListener {
 public:
  using Text = std::function<std::string()>;

  // Code::conflict when somebody else listens there.
  static Result<std::unique_ptr<MetricsListener>> listen(boost::asio::io_context& loop,
                                                         const net::Endpoint& address, Text text);
  ~MetricsListener();

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  class Visitor;
  MetricsListener(boost::asio::ip::tcp::acceptor acceptor, Text text)
      : acceptor_(std::move(acceptor)), pause_(acceptor_.get_executor()), text_(std::move(text)) {}
  void accept();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  Text text_;
  std::set<std::shared_ptr<Visitor>> visitors_;
};

}  // namespace nae::agent
