// ClientConnection: one connection of a client, request after request. A coroutine on its worker's
// loop; it owns itself until it ends.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "gateway/channel.hpp"
#include "gateway/exchange.hpp"
#include "gateway/worker.hpp"

namespace nae::gateway {

class ClientConnection : public Drained, public std::enable_shared_from_this<ClientConnection> {
 public:
  // On the worker's thread.
  static void begin(Worker& worker, boost::asio::ip::tcp::socket socket,
                    std::function<void()> on_end);

  ClientConnection(Worker& worker, boost::asio::ip::tcp::socket socket,
                   std::function<void()> on_end);
  ~ClientConnection() override;

  void drain() override;
  void abort() override;

 private:
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<bool> shake_hands();
  boost::asio::awaitable<bool> wait_for_request();
  boost::asio::awaitable<void> end();

  Worker& worker_;
  Channel channel_;
  WipedBuffer buffer_;
  Client client_;
  std::function<void()> on_end_;
  bool is_idle_ = false;
  Exchange* exchange_ = nullptr;  // under way
};

}  // namespace nae::gateway
