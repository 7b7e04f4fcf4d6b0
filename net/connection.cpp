#include "net/connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <csignal>

#include "net/transmission.hpp"

namespace nae::net {
namespace {

using Clock = std::chrono::steady_clock;
using boost::asio::posix::stream_descriptor;

// After the last word of this side the peer's unread bytes are thrown away for so long: closing
// with unread bytes would reset the connection and could take the last word with it.
constexpr std::chrono::milliseconds kLingerTime{500};
constexpr std::size_t kLingerBytes = 1u << 20;
// The machine's clock may be set; a certificate's end is looked at anew so often.
constexpr std::chrono::minutes kClockLook{1};

}  // namespace

Connection::Connection(boost::asio::io_context& loop, std::unique_ptr<Stream> stream,
                       std::string remote_address, const ConnectionLimits& limits)
    : loop_(loop),
      stream_(std::move(stream)),
      readiness_(loop, stream_->descriptor()),
      timer_(loop),
      remote_address_(std::move(remote_address)),
      limits_(limits),
      started_(Clock::now()),
      last_read_(started_) {}

Connection::~Connection() = default;

void Connection::start(OnOpen on_open, OnClose on_close) {
  (void)std::signal(SIGPIPE, SIG_IGN);  // a peer that left is an error value here, never a signal
  if (closed_early_) return on_close(*this, *closed_early_);
  on_open_ = std::move(on_open);
  on_close_ = std::move(on_close);
  arm_timer();
  step_handshake();
}

void Connection::step_handshake() {
  Io io = stream_->handshake();
  switch (io.state) {
    case IoState::wants_read:
      return wait(stream_descriptor::wait_read);
    case IoState::wants_write:
      return wait(stream_descriptor::wait_write);
    case IoState::closed:
      return close_now(Error(Code::connection_lost, "the peer left during the handshake"));
    case IoState::failed:
      // Lets a last alert reach the peer; see linger().
      return state_ == State::closed ? void() : linger(stream_->error());
    case IoState::done:
      break;
  }
  if (!stream_->stated_address().empty()) remote_address_ = stream_->stated_address();
  if (verify_with_)
    if (auto verified = stream_->verify_again(*verify_with_); !verified)
      return linger(std::move(verified).error());
  state_ = State::open;
  last_read_ = Clock::now();
  protocol_ = std::exchange(on_open_, nullptr)(*this);
  if (state_ != State::open) return;
  if (!protocol_) return close_now(Error(Code::shutting_down, "the connection is not wanted"));
  arm_timer();
  read_batch();
}

// Reads until the socket is drained, or the connection had its share, or the protocol has enough.
void Connection::read_batch() {
  if (state_ != State::open || in_batch_ || !may_read()) return;
  if (has_expired()) return expire();
  in_batch_ = true;
  bool keep = true;
  bool share_is_used = false;
  std::size_t total = 0;
  Io io;
  while (keep && may_read()) {
    ByteSpan space = protocol_->receive_space();
    io = stream_->read_some(space);
    if (io.state != IoState::done) break;
    total += io.bytes;
    keep = protocol_->received(io.bytes);
    if (state_ == State::closed) break;
    throttled_ = output_bytes() > limits_.max_output_bytes;
    if (io.bytes < space.size() && !stream_->may_hold_more()) break;
    share_is_used = total >= limits_.max_batch_bytes;
    if (share_is_used) break;
  }
  if (state_ == State::open && total > 0) {
    last_read_ = Clock::now();
    keep = protocol_->batch_received() && keep;
  }
  in_batch_ = false;
  if (state_ == State::draining) return flush();
  if (state_ != State::open) return;
  if (io.state == IoState::failed) return close_now(stream_->error());
  if (io.state == IoState::closed) return close_now(Error(Code::internal, {}));
  if (!keep) return close_after_flush();
  flush();
  if (state_ != State::open) return;
  if (io.state == IoState::wants_write) wait(stream_descriptor::wait_write);
  wait_for_more(share_is_used);
}

void Connection::wait_for_more(bool at_once) {
  if (!may_read()) return;
  if (!at_once) return wait(stream_descriptor::wait_read);
  if (std::exchange(batch_scheduled_, true)) return;
  boost::asio::post(loop_, [self = shared_from_this()] {
    self->batch_scheduled_ = false;
    self->guarded([&] { self->read_batch(); });
  });
}

void Connection::wait(stream_descriptor::wait_type type) {
  bool& waits = type == stream_descriptor::wait_read ? read_waits_ : write_waits_;
  if (std::exchange(waits, true)) return;
  readiness_.async_wait(
      type, [self = shared_from_this(), type](const boost::system::error_code& error) {
        (type == stream_descriptor::wait_read ? self->read_waits_ : self->write_waits_) = false;
        if (error || self->state_ == State::closed) return;
        self->guarded([&] { self->ready(type); });
      });
}

void Connection::ready(stream_descriptor::wait_type type) {
  switch (state_) {
    case State::handshake:
      return step_handshake();
    case State::lingering:
      return discard_input();
    case State::draining:
      return flush();
    case State::open:
      // TLS may read in order to write and the other way round: try what waits, whatever woke us.
      if (type == stream_descriptor::wait_write) flush();
      return read_batch();
    case State::closed:
      return;
  }
}

void Connection::flush() {
  if (in_batch_ || (state_ != State::open && state_ != State::draining)) return;
  if (!write_pending()) return;
  if (output_bytes() == 0 && state_ == State::draining) return linger(Error(Code::internal, {}));
  if (throttled_ && output_bytes() <= limits_.max_output_bytes / 2) {
    throttled_ = false;
    throttled_until_ = Clock::now();
    protocol_->writable();
    if (state_ == State::open) wait_for_more(true);
  }
  close_if_finished();
}

// False when the connection has ended.
bool Connection::write_pending() {
  const bool was_blocked = outbox_.is_blocked();
  switch (const IoState state = outbox_.write_to(*stream_, limits_.before_write)) {
    case IoState::done:
      return true;
    case IoState::failed:
      close_now(stream_->error());
      return false;
    case IoState::closed:
      close_now(Error(Code::connection_lost, "the peer left"));
      return false;
    case IoState::wants_read:
    case IoState::wants_write:
      if (!outbox_.has_memory()) {
        close_now(
            Error(Code::overloaded, "the peer does not take its answers, and memory is short"));
        return false;
      }
      if (!was_blocked) arm_timer();
      wait(state == IoState::wants_write ? stream_descriptor::wait_write
                                         : stream_descriptor::wait_read);
      break;
  }
  return true;
}

void Connection::flush_soon() {
  if (std::exchange(flush_scheduled_, true)) return;
  boost::asio::post(loop_, [self = shared_from_this()] {
    self->flush_scheduled_ = false;
    self->guarded([&] { self->flush(); });
  });
}

void Connection::close_after_flush() {
  if (state_ == State::handshake) return close_now(Error(Code::internal, {}));
  if (state_ != State::open) return;
  state_ = State::draining;
  if (!in_batch_) flush();
}

void Connection::abort(Error reason) {
  if (state_ != State::closed) close_now(std::move(reason));
}

void Connection::end_idle(const Error& reason) {
  if (state_ == State::open) {
    protocol_->dismissed(reason);
    flush();
  }
  abort(reason);
}

void Connection::cut(Error reason) {
  discard_unacknowledged(descriptor());
  abort(std::move(reason));
}

bool Connection::delivered(OutputMark& mark) {
  if (state_ == State::closed) return true;
  if (outbox_.written() < mark.output) return false;
  const Transmission now = transmission_of(descriptor());
  if (!mark.transmitted) mark.transmitted = now.written;
  return now.acknowledged >= *mark.transmitted;
}

void Connection::resume_reading() {
  if (!std::exchange(reading_paused_, false) || state_ != State::open) return;
  wait_for_more(true);
}

void Connection::set_idle_timeout(std::chrono::milliseconds timeout) {
  limits_.idle_timeout = timeout;
  if (state_ == State::open) arm_timer();
}

void Connection::begin_shutdown() {
  if (state_ == State::handshake)
    return close_now(Error(Code::shutting_down, "this side is shutting down"));
  if (state_ != State::open || stopping_) return;
  read_batch();  // what has already arrived counts as begun
  if (state_ != State::open) return;
  stopping_ = true;
  protocol_->begin_shutdown();
  flush();
}

void Connection::tell_change() {
  if (state_ != State::open) return;
  protocol_->changed();
  flush();
}

void Connection::reexamine() {
  if (state_ == State::open && !protocol_->still_admitted()) close_after_flush();
}

void Connection::verify_peer_again(TlsContext context) {
  if (state_ == State::handshake) {
    verify_with_ = std::move(context);
  } else if (state_ == State::open) {
    if (auto verified = stream_->verify_again(context); !verified)
      return dismiss(std::move(verified).error());
    arm_timer();  // by other authorities its chain may end sooner
  } else if (state_ == State::draining && !stream_->verify_again(context)) {
    close_now(Error(Code::certificate_rejected, "the peer's certificate is not accepted any more"));
  }
}

// With the last second of its validity a certificate proves nothing any more, on connections that
// exist as on new ones.
bool Connection::has_expired() const {
  using std::chrono::system_clock;
  const std::int64_t end_s = peer().not_after_s;
  return end_s != 0 && system_clock::to_time_t(system_clock::now()) > end_s;
}

void Connection::expire() {
  dismiss(Error(Code::certificate_rejected, "the certificate of " + peer().name + " has expired"));
}

void Connection::dismiss(Error reason) {
  if (state_ == State::open) {
    protocol_->dismissed(reason);
    flush();
  }
  if (state_ == State::open && output_bytes() == 0) return linger(std::move(reason));
  close_now(std::move(reason));
}

void Connection::close_if_finished() {
  if (stopping_ && state_ == State::open && output_bytes() == 0 && !protocol_->busy())
    linger(Error(Code::shutting_down, "this side is shutting down"));
}

void Connection::linger(Error reason) {
  stream_->shutdown();
  ::shutdown(stream_->descriptor(), SHUT_WR);
  state_ = State::lingering;
  linger_reason_ = std::move(reason);
  linger_until_ = Clock::now() + kLingerTime;
  timer_.expires_at(linger_until_);
  timer_armed_ = false;
  arm_timer();
  discard_input();
}

void Connection::discard_input() {
  char bytes[4096];
  for (;;) {
    ssize_t size = ::recv(stream_->descriptor(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (size > 0) {
      discarded_ += static_cast<std::size_t>(size);
      if (discarded_ <= kLingerBytes) continue;
    } else if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
      return wait(stream_descriptor::wait_read);
    }
    return close_now(std::move(linger_reason_));
  }
}

// The next moment at which something would be overdue; none when nothing can be.
std::optional<Clock::time_point> Connection::next_deadline() const {
  switch (state_) {
    case State::handshake:
      return started_ + limits_.handshake_timeout;
    case State::lingering:
      return linger_until_;
    case State::closed:
      return std::nullopt;
    case State::open:
    case State::draining:
      break;
  }
  std::optional<Clock::time_point> next;
  if (outbox_.is_blocked()) next = outbox_.last_progress() + limits_.stalled_write_timeout;
  if (limits_.idle_timeout.count() > 0) {
    auto idle = last_read_ + limits_.idle_timeout;
    next = next ? std::min(*next, idle) : idle;
  }
  if (const std::int64_t end_s = peer().not_after_s; end_s != 0) {
    using std::chrono::system_clock;
    const auto left = system_clock::from_time_t(end_s + 1) - system_clock::now();
    const auto look = Clock::now() + std::clamp<Clock::duration>(left, {}, kClockLook);
    next = next ? std::min(*next, look) : look;
  }
  return next;
}

// One timer, set to the next deadline and looked at again when it fires: a request costs nothing.
void Connection::arm_timer() {
  auto deadline = next_deadline();
  if (!deadline || (timer_armed_ && timer_.expiry() <= *deadline)) return;
  timer_.expires_at(*deadline);
  timer_armed_ = true;
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    auto self = weak.lock();
    if (!self || error) return;
    self->timer_armed_ = false;
    self->guarded([&] { self->timer_fired(); });
  });
}

void Connection::timer_fired() {
  auto now = Clock::now();
  auto deadline = next_deadline();
  if (!deadline) return;
  if ((state_ == State::open || state_ == State::draining) && has_expired()) return expire();
  if (*deadline > now) return arm_timer();
  if (state_ == State::handshake)
    return close_now(Error(Code::timeout, "the handshake took too long"));
  if (state_ == State::lingering) return close_now(std::move(linger_reason_));
  if (outbox_.is_blocked() && outbox_.last_progress() + limits_.stalled_write_timeout <= now)
    return close_now(Error(Code::timeout, "the peer does not read its answers"));
  if (protocol_->busy() || output_bytes() > 0) {
    last_read_ = now;  // not idle: the answer is on its way
    return arm_timer();
  }
  // Peers need no reason: an idle connection is closed in order.
  state_ = State::draining;
  flush();
}

void Connection::close_now(Error reason) {
  if (state_ == State::closed) return;
  auto self = shared_from_this();  // the callbacks below may drop the last other reference
  if (state_ == State::open || state_ == State::draining) stream_->shutdown();
  state_ = State::closed;
  timer_.cancel();
  boost::system::error_code ignored;
  readiness_.close(ignored);
  // The protocol itself stays until this object goes: its own code may be on the stack.
  if (protocol_) protocol_->closed(reason);
  on_open_ = nullptr;
  if (auto on_close = std::exchange(on_close_, nullptr)) return on_close(*this, reason);
  closed_early_ = std::move(reason);
}

}  // namespace nae::net
