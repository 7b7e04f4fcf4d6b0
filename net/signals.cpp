#include "net/signals.hpp"

#include <csignal>

namespace nae::net {

Signals::Signals(boost::asio::io_context& loop, std::function<void(int)> on_stop,
                 std::function<void()> on_reload)
    : set_(loop, SIGTERM, SIGINT, SIGHUP),
      on_stop_(std::move(on_stop)),
      on_reload_(std::move(on_reload)) {
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));  // which fails for signals that do not exist
  wait();
}

void Signals::wait() {
  set_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;  // cancelled: this object is going away
    wait();
    if (signal == SIGHUP)
      on_reload_();
    else
      on_stop_(signal);
  });
}

}  // namespace nae::net
