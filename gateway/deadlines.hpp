// Deadlines: until when what is under way on the channels of one event loop is to be done. They are
// looked at in turns: a timer for each operation costs more than the operation.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>

namespace nae::gateway {

// Who may have one. It leaves the list by itself.
class Limited : public boost::intrusive::list_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~Limited() = default;

 protected:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr TimePoint kNever = TimePoint::max();
  // The deadline is over. Called once.
  virtual void expire() = 0;

  TimePoint deadline_ = kNever;

 private:
  friend class Deadlines;
};

// Of the event loop's thread alone. It outlives all who are in it.
class Deadlines {
 public:
  static constexpr std::chrono::milliseconds kTurn{50};

  explicit Deadlines(boost::asio::io_context& loop) : timer_(loop) {}

  void add(Limited& limited);
  // Not before `time` from now and two turns later at most, but for what the loop is late.
  std::chrono::steady_clock::time_point in(std::chrono::milliseconds time) const {
    return turn_ + kTurn + time;
  }

 private:
  void wait();
  void look();

  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point turn_{};  // when it looked last
  bool is_waiting_ = false;
  boost::intrusive::list<Limited, boost::intrusive::constant_time_size<false>> all_;
};

}  // namespace nae::gateway
