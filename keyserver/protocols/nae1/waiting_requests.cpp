#include "keyserver/protocols/nae1/waiting_requests.hpp"

namespace nae::nae1 {

// A thousandth of what a request may cost the HSM, and memory for its frame.
constexpr std::size_t kSharing = 64;

bool WaitingRequests::may_enter(std::size_t bytes, bool shares) {
  const std::size_t most = settings_.max_waiting * (shares ? kSharing : 1);
  const bool own = count_ == 0 || (count_ < most && bytes_ + bytes <= settings_.max_waiting_bytes);
  return own && memory_.hold(bytes_ + bytes);
}

void WaitingRequests::enter(const WaitingRequest& request) {
  ++count_;
  bytes_ += request.bytes();
}

void WaitingRequests::leave(const WaitingRequest& request) {
  --count_;
  bytes_ -= request.bytes();
  (void)memory_.hold(bytes_);
}

}  // namespace nae::nae1
