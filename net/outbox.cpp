#include "net/outbox.hpp"

namespace nae::net {
namespace {

// A buffer that grew beyond this is given back when it is empty.
constexpr std::size_t kKeepBytes = 256u << 10;
// Bytes already sent are cut off the front once they are this many and half of the buffer.
constexpr std::size_t kCompactBytes = 1u << 20;

}  // namespace

IoState Outbox::write_to(Stream& stream, const std::function<void()>& before) {
  const bool had_bytes = waiting() != 0;
  while (waiting() != 0) {
    if (before) before();
    const Io io = stream.write_some(ByteView(bytes_).subspan(sent_));
    if (io.state == IoState::done) {
      sent_ += io.bytes;
      written_ += io.bytes;
      continue;
    }
    if (io.state == IoState::wants_read || io.state == IoState::wants_write) note_blocked();
    return io.state;
  }
  if (had_bytes) empty();
  return IoState::done;
}

void Outbox::note_blocked() {
  if (!blocked_ || sent_ != blocked_at_) last_progress_ = std::chrono::steady_clock::now();
  if (sent_ > kCompactBytes && sent_ > bytes_.size() / 2) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }
  blocked_at_ = sent_;
  blocked_ = true;
}

void Outbox::empty() {
  bytes_.clear();
  sent_ = 0;
  blocked_ = false;
  if (bytes_.capacity() > kKeepBytes) Bytes().swap(bytes_);
  if (share_) share_->hold(0);
}

}  // namespace nae::net
