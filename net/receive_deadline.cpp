#include "net/receive_deadline.hpp"

#include <algorithm>

#include "net/connection.hpp"

namespace nae::net {

using Clock = std::chrono::steady_clock;

ReceiveDeadline::ReceiveDeadline(Connection& connection, std::chrono::milliseconds time,
                                 std::function<void()> late)
    : connection_(connection), time_(time), late_(std::move(late)), timer_(connection.loop()) {}

void ReceiveDeadline::watch(bool under_way, bool fresh) {
  if (!under_way) {
    begun_.reset();
    return;
  }
  if (!begun_ || fresh) begun_ = Clock::now();
  if (!armed_ || timer_.expiry() > *begun_ + time_) arm();
}

// Set once and looked at when it fires: messages that come in time cost no change of the timer.
void ReceiveDeadline::arm() {
  armed_ = true;
  timer_.expires_at(*begun_ + time_);
  timer_.async_wait(
      [this, weak = connection_.weak_from_this()](const boost::system::error_code& error) {
        auto connection = weak.lock();
        if (error || !connection || !connection->is_open()) return;
        connection->run_guarded([this] { fired(); });
      });
}

void ReceiveDeadline::fired() {
  armed_ = false;
  if (!begun_) return;
  // While this side does not read, the peer is not the one who is late, and has its whole time from
  // then on.
  begun_ =
      connection_.is_throttled() ? Clock::now() : std::max(*begun_, connection_.throttled_until());
  if (Clock::now() < *begun_ + time_) return arm();
  late_();
}

}  // namespace nae::net
