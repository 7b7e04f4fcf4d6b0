// Signals as events: SIGTERM and SIGINT ask for a stop, SIGHUP for a reload.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>

namespace nae::net {

class Signals {
 public:
  // The callbacks run on `loop`. A second stop signal calls `on_stop` again. Also ignores SIGPIPE.
  Signals(boost::asio::io_context& loop, std::function<void(int signal)> on_stop,
          std::function<void()> on_reload);

 private:
  void wait();

  boost::asio::signal_set set_;
  std::function<void(int)> on_stop_;
  std::function<void()> on_reload_;
};

}  // namespace nae::net
