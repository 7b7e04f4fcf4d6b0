#include "gateway/deadlines.hpp"

namespace nae::gateway {

Limited::Limited(Deadlines& deadlines) : deadlines_(deadlines) {
  deadlines_.add(*this);
}

Limited::~Limited() {
  deadlines_.all_.erase(this);
}

void Deadlines::add(Limited& limited) {
  all_.insert(&limited);
  if (!is_waiting_) wait();
}

void Deadlines::wait() {
  is_waiting_ = true;
  turn_ = std::chrono::steady_clock::now();
  timer_.expires_at(turn_ + kTurn);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) look();
  });
}

void Deadlines::look() {
  is_waiting_ = false;
  if (all_.empty()) return;  // nobody is there: the loop may sleep
  wait();
  for (Limited* each : all_) {
    if (each->deadline_ > turn_) continue;
    each->deadline_ = Limited::kNever;
    each->expire();
  }
}

}  // namespace nae::gateway
