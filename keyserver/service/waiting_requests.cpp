#include "keyserver/service/waiting_requests.hpp"

#include <iterator>

namespace nae::service {

constexpr int kMaxRounds = 8;
// A thousandth of what a request may cost the HSM, and memory for its frame.
constexpr std::size_t kSharing = 64;

void WaitingRequest::add(Prepared&& made) {
  if (!made.made.empty() || !made.opened.empty()) rounds = 0;
  prepared.keys.insert(prepared.keys.end(), std::make_move_iterator(made.keys.begin()),
                       std::make_move_iterator(made.keys.end()));
  prepared.opened.merge(made.opened);
  for (auto& [item, result] : made.made) prepared.made.insert_or_assign(item, std::move(result));
}

bool WaitingRequest::stuck() const {
  return rounds >= kMaxRounds;
}

bool WaitingRequests::may_enter(std::size_t bytes, bool shares) {
  const std::size_t most = settings_.max_waiting * (shares ? kSharing : 1);
  const bool own = count_ == 0 || (count_ < most && bytes_ + bytes <= settings_.max_waiting_bytes);
  return own && memory_.hold(bytes_ + bytes);
}

void WaitingRequests::enter(WaitingRequest& request) {
  ++count_;
  bytes_ += request.bytes();
  ++request.rounds;
}

void WaitingRequests::leave(const WaitingRequest& request) {
  --count_;
  bytes_ -= request.bytes();
  (void)memory_.hold(bytes_);
}

}  // namespace nae::service
