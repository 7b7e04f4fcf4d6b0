// Repeating: runs something again and again on a loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>

namespace nae::server {

class Repeating {
 public:
  Repeating(boost::asio::io_context& loop, std::chrono::milliseconds interval,
            std::function<void()> run)
      : timer_(loop), interval_(interval), run_(std::move(run)) {}

  void start() {  // first after one interval
    timer_.expires_after(interval_);
    timer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      run_();
      start();
    });
  }

 private:
  boost::asio::steady_timer timer_;
  const std::chrono::milliseconds interval_;
  const std::function<void()> run_;
};

}  // namespace nae::server
