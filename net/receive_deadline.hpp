// ReceiveDeadline: the time that one message may take from its first byte to its last. No byte in
// between prolongs it: a peer that sends one now and then is not idle, but keeps what it holds.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>

namespace nae::net {

class Connection;

// Part of a protocol, on its connection's thread.
class ReceiveDeadline {
 public:
  // `late` runs when a message took longer than `time`; never when the connection is closed.
  ReceiveDeadline(Connection& connection, std::chrono::milliseconds time,
                  std::function<void()> late);

  // After every read. `under_way`: a message has begun and is not complete; `fresh`: it is not the
  // one that was under way at the last call.
  void watch(bool under_way, bool fresh);
  void set_time(std::chrono::milliseconds time) { time_ = time; }
  // For Protocol::closed().
  void cancel() { timer_.cancel(); }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  void arm();
  void fired();

  Connection& connection_;
  std::chrono::milliseconds time_;
  std::function<void()> late_;
  boost::asio::steady_timer timer_;
  std::optional<TimePoint> begun_;
  bool armed_ = false;
};

}  // namespace nae::net
