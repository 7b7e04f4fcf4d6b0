#include "keyserver/service/waiting_requests.hpp"

#include <iterator>

namespace nae::service {

constexpr int kMaxRounds = 8;
// A thousandth of what a request may cost the HSM, and memory for its frame.
constexpr std::size_t kSharing = 64;

void WaitingRequest::add(Prepared&& made) {
  auto append = [](auto& into, auto& from) {
    into.insert(into.end(), std::make_move_iterator(from.begin()),
                std::make_move_iterator(from.end()));
  };
  if (!made.results.empty() || !made.opened.empty() || !made.sealed.empty()) rounds = 0;
  append(prepared.gcm, made.gcm);
  append(prepared.siv_readers, made.siv_readers);
  append(prepared.leases, made.leases);
  append(prepared.results, made.results);
  prepared.opened.merge(made.opened);
  for (auto& [index, envelope] : made.sealed)
    prepared.sealed.insert_or_assign(index, std::move(envelope));
  if (made.siv) prepared.siv = std::move(made.siv);
  if (made.mac) prepared.mac = std::move(made.mac);
}

bool WaitingRequest::stuck() const {
  return rounds >= kMaxRounds;
}

bool WaitingRequests::may_enter(std::size_t body_bytes, bool shares) {
  const std::size_t most = settings_.max_waiting * (shares ? kSharing : 1);
  const bool own =
      count_ == 0 || (count_ < most && bytes_ + body_bytes <= settings_.max_waiting_bytes);
  return own && memory_.hold(bytes_ + body_bytes);
}

void WaitingRequests::enter(WaitingRequest& request) {
  ++count_;
  bytes_ += request.body.size();
  ++request.rounds;
}

void WaitingRequests::leave(const WaitingRequest& request) {
  --count_;
  bytes_ -= request.body.size();
  (void)memory_.hold(bytes_);
}

}  // namespace nae::service
