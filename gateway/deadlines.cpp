#include "gateway/deadlines.hpp"

namespace nae::gateway {

Limited::Limited(Deadlines& deadlines) : deadlines_(deadlines) {
  deadlines_.all_.insert(this);
}

Limited::~Limited() {
  lift_limit();
  deadlines_.all_.erase(this);
}

void Limited::limit_to(std::chrono::milliseconds time) {
  if (deadline_ == kNever) ++deadlines_.limits_;
  deadline_ = std::chrono::steady_clock::now() + time;
  if (!deadlines_.is_waiting_) deadlines_.wait();
}

void Limited::lift_limit() {
  if (deadline_ == kNever) return;
  deadline_ = kNever;
  --deadlines_.limits_;
}

void Deadlines::wait() {
  is_waiting_ = true;
  timer_.expires_after(kTurn);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) look();
  });
}

void Deadlines::look() {
  is_waiting_ = false;
  if (limits_ == 0) return;  // nothing is under way: the loop may sleep
  wait();
  const auto now = std::chrono::steady_clock::now();
  for (Limited* each : all_) {
    if (each->deadline_ > now) continue;
    each->lift_limit();
    each->expire();
  }
}

}  // namespace nae::gateway
