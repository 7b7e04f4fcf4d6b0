// Deadlines: until when what is under way on the channels of one event loop is to be done. They are
// looked at in turns: a timer for each operation costs more than the operation.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <set>

namespace nae::gateway {

class Deadlines;

// Who may have one.
class Limited {
 public:
  explicit Limited(Deadlines& deadlines);
  virtual ~Limited();
  Limited(const Limited&) = delete;
  Limited& operator=(const Limited&) = delete;

 protected:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr TimePoint kNever = TimePoint::max();
  // The deadline is over. Called once; nobody ends at once by it.
  virtual void expire() = 0;
  // Not before `time` from now, and a turn later at most but for what the loop is late.
  void limit_to(std::chrono::milliseconds time);
  void lift_limit();

 private:
  friend class Deadlines;
  Deadlines& deadlines_;
  TimePoint deadline_ = kNever;
};

// Of the event loop's thread alone. It outlives all who are in it.
class Deadlines {
 public:
  static constexpr std::chrono::milliseconds kTurn{50};

  explicit Deadlines(boost::asio::io_context& loop) : timer_(loop) {}

 private:
  friend class Limited;
  void wait();
  void look();

  boost::asio::steady_timer timer_;
  std::size_t limits_ = 0;  // that are set
  bool is_waiting_ = false;
  std::set<Limited*> all_;
};

}  // namespace nae::gateway
